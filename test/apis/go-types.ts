/** Reads the structs and enumerations of Kubernetes' Go packages, with the markers in their comments. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GoField {
  /** The name in JSON. */
  readonly name: string;
  /** Without pointers and lists: `Container`, `metav1.Time`. */
  readonly type: string;
  readonly isList: boolean;
  readonly isMap: boolean;
  readonly isPointer: boolean;
  /** Whether the empty value is left out of JSON. */
  readonly omitEmpty: boolean;
  /** `+listMapKey` may come more than once. */
  readonly markers: ReadonlyMap<string, readonly string[]>;
}

export interface GoPackage {
  readonly structs: ReadonlyMap<string, readonly GoField[]>;
  /** The values of types that are marked `+enum`, sorted. */
  readonly enums: ReadonlyMap<string, readonly string[]>;
}

const comment = String.raw`(?:[ \t]*//[^\n]*\n|[ \t]*\n)*`;
const struct = /^type (\w+) struct \{\n([\s\S]*?)^\}/gm;
const field = new RegExp(
  String.raw`(${comment})[ \t]+(?:(\w+)[ \t]+)?((?:\*|\[\]|map\[\w+\])*)([\w.]+)[ \t]+\x60[^\x60]*json:"([^",]*)([^"]*)"[^\x60]*\x60`,
  'g',
);
const marker = /^[ \t]*\/\/ ?\+(?:k8s:)?([\w:]+)(?:=(.*))?$/gm;

export function readGoPackage(directory: string): GoPackage {
  const files = readdirSync(directory).filter((name) => /^types.*\.go$/.test(name) || name === 'well_known_labels.go');
  const text = files.map((name) => readFileSync(join(directory, name), 'utf8')).join('\n');
  const structs = new Map<string, GoField[]>();
  for (const [, name = '', body = ''] of text.matchAll(struct)) structs.set(name, [...fieldsOf(body)]);
  return { structs, enums: enumsOf(text) };
}

function* fieldsOf(body: string): Generator<GoField> {
  for (const [, above = '', , prefix = '', type = '', name = '', options = ''] of body.matchAll(field)) {
    if (options.includes('inline') || name === '' || name === '-') continue;
    const markers = new Map<string, string[]>();
    for (const [, key = '', value = ''] of above.matchAll(marker)) {
      markers.set(key, [...(markers.get(key) ?? []), value.trim()]);
    }
    yield {
      name,
      type,
      isList: prefix.includes('[]'),
      isMap: prefix.includes('map['),
      isPointer: prefix.startsWith('*'),
      omitEmpty: options.includes('omitempty'),
      markers,
    };
  }
}

function enumsOf(text: string): Map<string, string[]> {
  const enums = new Map<string, string[]>();
  const declared = /((?:[ \t]*\/\/[^\n]*\n)+)type (\w+) string/g;
  for (const [, above = '', name = ''] of text.matchAll(declared)) {
    if (/^\/\/ ?\+enum/m.test(above)) enums.set(name, []);
  }
  // A constant has its type before the value or around it.
  for (const [, type = '', cast = '', value = ''] of text.matchAll(
    /^\s*(?:const )?\w+(?:[ \t]+(\w+))?[ \t]*=[ \t]*(?:(\w+)\()?"([^"]*)"/gm,
  )) {
    enums.get(type === '' ? cast : type)?.push(value);
  }
  for (const values of enums.values()) values.sort();
  return enums;
}
