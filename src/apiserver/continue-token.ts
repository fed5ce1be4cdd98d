/**
 * Continue tokens: where a paged list goes on, and at which revision. The form is kube-apiserver's
 * (`meta.k8s.io/v1`, base64 of JSON), because clients pass tokens between servers.
 */
import { posix } from 'node:path';
import { isJsonObject, JsonSyntaxError, type JsonValue, jsonKind, parseJson } from '../machinery/json.ts';
import { badRequest, StatusError } from '../machinery/status.ts';
import type { Revision } from '../storage/store.ts';

export interface ContinueToken {
  /** The revision that the list shows; -1: whatever is there now (an inconsistent continuation). */
  readonly revision: Revision;
  /** The last key that has been listed, relative to the list's prefix. */
  readonly after: string;
}

const version = 'meta.k8s.io/v1';

/** Kubernetes starts at the first possible key behind the last one: that key and a zero byte. */
export function encodeContinue({ revision, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start: `${after}\0` })).toString('base64url');
}

/** Source: `DecodeContinue` of `k8s.io/apiserver/pkg/storage`. */
export function decodeContinue(text: string): ContinueToken {
  const illegal = illegalBase64(text);
  if (illegal >= 0) throw refused(`: illegal base64 data at input byte ${illegal}`);
  const { v = '', rv = 0, start = '' } = readToken(Buffer.from(text, 'base64url').toString());
  if (v !== version) throw refused(`: server does not recognize this encoded version ${v}`);
  if (rv === 0) throw refused(`: incorrect encoded start resourceVersion (version ${version})`);
  if (start === '') throw refused(`: encoded start key empty (version ${version})`);
  const key = start.startsWith('/') ? start : `/${start}`;
  // A key that climbs would reach other resources.
  if (posix.normalize(key) !== key) throw refused(`: ${start}`);
  const after = start.endsWith('\0') ? start.slice(0, -1) : start;
  return { revision: rv, after };
}

/** Where Go's decoder stops in a text that is not unpadded base64url; -1: nowhere. */
function illegalBase64(text: string): number {
  const at = text.search(/[^\w-]/);
  if (at >= 0) return at;
  return text.length % 4 === 1 ? text.length - 1 : -1;
}

function readToken(text: string): { v?: string; rv?: number; start?: string } {
  let token: JsonValue;
  try {
    token = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw refused(`: ${error.message}`);
  }
  if (token === null) return {};
  if (!isJsonObject(token)) {
    throw refused(`: json: cannot unmarshal ${jsonKind(token)} into Go value of type storage.continueToken`);
  }
  for (const [name, type] of Object.entries(fieldTypes)) {
    const value = token[name];
    const fits = type === 'string' ? typeof value === 'string' : Number.isSafeInteger(value);
    if (value === undefined || value === null || fits) continue;
    const literal = typeof value === 'number' && type === 'int64' ? ` ${value}` : '';
    const field = `continueToken.${name} of type ${type}`;
    throw refused(`: json: cannot unmarshal ${jsonKind(value)}${literal} into Go struct field ${field}`);
  }
  const { v, rv, start } = token as { v?: string | null; rv?: number | null; start?: string | null };
  return { ...(v == null ? {} : { v }), ...(rv == null ? {} : { rv }), ...(start == null ? {} : { start }) };
}

const fieldTypes = { v: 'string', rv: 'int64', start: 'string' };

function refused(why: string): StatusError {
  return badRequest(`invalid continue token: continue key is not valid${why}`);
}

/** 410 for a token whose revision is gone, with a token that goes on from what is there now. */
export function continueExpired(token: ContinueToken): StatusError {
  const error = new StatusError(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  error.status.metadata.continue = encodeContinue({ revision: -1, after: token.after });
  return error;
}
