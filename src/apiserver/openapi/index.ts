/**
 * `/openapi/v2` and `/openapi/v3`. Documents are built when they are asked for, and kept while they are true.
 * Source: Kubernetes "OpenAPI V2/V3"; KEP-2896 (hashes in URLs, which may be cached for ever).
 */
import type { ResourceType, ResourceVersion } from '../../apis/resource-type.ts';
import { notAcceptable } from '../../machinery/status.ts';
import type { PathHandler, PathRequest, PathResponse } from '../paths.ts';
import type { ResourceRegistry } from '../registry.ts';
import { documentHash, documentV2, documentV3, groupVersionPaths } from './documents.ts';

interface Document {
  readonly body: string;
  readonly hash: string;
  /** What it was made from: the same records, the same document. */
  readonly sources: readonly (readonly [ResourceType, ResourceVersion])[];
}

export function openApiPaths(registry: ResourceRegistry): PathHandler {
  const documents = new Map<string, Document>();
  let index: { generation: number; body: string } | undefined;
  let v2: { generation: number; body: string; hash: string } | undefined;

  const document = (path: string): Document | undefined => {
    const sources = groupVersionPaths(registry).get(path);
    if (sources === undefined) return undefined;
    let found = documents.get(path);
    if (found === undefined || !sameSources(found.sources, sources)) {
      const body = JSON.stringify(documentV3(sources));
      found = { body, hash: documentHash(body), sources };
      documents.set(path, found);
    }
    return found;
  };

  const root = (): string => {
    if (index?.generation !== registry.generation) {
      const paths: Record<string, { serverRelativeURL: string }> = {};
      for (const path of groupVersionPaths(registry).keys()) {
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${document(path)!.hash}` };
      }
      index = { generation: registry.generation, body: JSON.stringify({ paths }) };
    }
    return index.body;
  };

  const whole = (): { body: string; hash: string } => {
    if (v2?.generation !== registry.generation) {
      const body = JSON.stringify(documentV2(registry));
      v2 = { generation: registry.generation, body, hash: documentHash(body) };
    }
    return v2;
  };

  return (request) => {
    if (!request.path.startsWith('/openapi/')) return undefined;
    const path = request.path.slice('/openapi/'.length).replace(/\/$/, '');
    if (path === 'v2') {
      if (!acceptsJson(request.accept)) throw notAcceptable(['application/json']);
      const { body, hash } = whole();
      return respond(request, body, hash, {});
    }
    if (path === 'v3') return { code: 200, contentType: 'application/json', body: root() };
    if (!path.startsWith('v3/')) return undefined;
    const found = document(path.slice('v3/'.length));
    if (found === undefined) return undefined;
    const asked = request.query.get('hash');
    if (asked !== null && asked !== found.hash) {
      const location = `${request.path}?hash=${found.hash}`;
      return { code: 301, contentType: 'text/plain; charset=utf-8', body: '', headers: { Location: location } };
    }
    const lasting = asked === null ? {} : { 'Cache-Control': 'public, max-age=31536000, immutable' };
    return respond(request, found.body, found.hash, lasting);
  };
}

function respond(
  request: PathRequest,
  body: string,
  hash: string,
  extra: Readonly<Record<string, string>>,
): PathResponse {
  const etag = `"${hash}"`;
  const headers = { ETag: etag, Vary: 'Accept', ...extra };
  if ((request.ifNoneMatch ?? '').includes(etag))
    return { code: 304, contentType: 'application/json', body: '', headers };
  return { code: 200, contentType: 'application/json', body, headers };
}

function acceptsJson(accept: string | undefined): boolean {
  return accept === undefined || accept === '' || /application\/json|\*\/\*|application\/\*/.test(accept);
}

function sameSources(a: Document['sources'], b: Document['sources']): boolean {
  return a.length === b.length && a.every(([type, version], i) => type === b[i]![0] && version === b[i]![1]);
}
