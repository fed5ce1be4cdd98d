/** The libraries by which Kubernetes extends the language. Source: `apiserver/pkg/cel/environment/base.go`. */
import type { Library } from '../functions.ts';
import { authorizerLibrary } from './authorizer.ts';
import { comprehensionsLibrary } from './comprehensions.ts';
import { cidrLibrary, ipLibrary } from './ip.ts';
import { jsonPatchLibrary } from './json-patch.ts';
import { kubernetesListsLibrary, listsLibrary } from './lists.ts';
import { namedFormatLibrary } from './named-format.ts';
import { optionalLibrary } from './optional.ts';
import { quantityLibrary } from './quantity.ts';
import { regexLibrary } from './regex.ts';
import { semverLibrary } from './semver.ts';
import { setsLibrary } from './sets.ts';
import { stringsLibrary } from './strings.ts';
import { urlLibrary } from './url.ts';

export const kubernetesLibraries: readonly Library[] = [
  urlLibrary,
  regexLibrary,
  kubernetesListsLibrary,
  authorizerLibrary,
  optionalLibrary,
  quantityLibrary,
  stringsLibrary,
  setsLibrary,
  ipLibrary,
  cidrLibrary,
  namedFormatLibrary,
  comprehensionsLibrary,
  jsonPatchLibrary,
  semverLibrary,
  listsLibrary,
];
