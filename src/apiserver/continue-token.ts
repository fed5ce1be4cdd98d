/**
 * Continue tokens: where a paged list goes on, and at which revision. The form is kube-apiserver's
 * (`meta.k8s.io/v1`, base64 of JSON), because clients pass tokens between servers.
 */
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

export function decodeContinue(text: string): ContinueToken {
  let token: { v?: unknown; rv?: unknown; start?: unknown };
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString()) as typeof token;
  } catch {
    throw refused(`${JSON.stringify(text)} is not a token of a previous list`);
  }
  if (token === null || typeof token !== 'object' || token.v !== version) {
    throw refused(`server does not recognize this encoded version ${JSON.stringify(token?.v ?? '')}`);
  }
  if (!Number.isSafeInteger(token.rv) || typeof token.start !== 'string' || token.start === '') {
    throw refused(`incorrect encoded start resourceVersion (version ${version})`);
  }
  const after = token.start.endsWith('\0') ? token.start.slice(0, -1) : token.start;
  return { revision: token.rv as number, after };
}

function refused(why: string): StatusError {
  return badRequest(`invalid continue token: continue key is not valid: ${why}`);
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
