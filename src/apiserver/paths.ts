/** Paths that are not resources, and who answers them. Everything a handler needs comes in the request. */
import type { UserInfo } from '../apis/resource-type.ts';

export interface PathRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly user: UserInfo;
}

export interface PathResponse {
  readonly code: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers `undefined` for paths that it does not know. */
export type PathHandler = (request: PathRequest) => PathResponse | Promise<PathResponse> | undefined;

export function textResponse(code: number, text: string): PathResponse {
  return {
    code,
    contentType: 'text/plain; charset=utf-8',
    body: text,
    headers: { 'X-Content-Type-Options': 'nosniff' },
  };
}
