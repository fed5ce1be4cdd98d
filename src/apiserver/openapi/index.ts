/**
 * `/openapi/v2` and `/openapi/v3`. Documents are built when they are asked for, and kept while they are true.
 * Source: Kubernetes "OpenAPI V2/V3"; KEP-2896 (hashes in URLs, which may be cached for ever).
 */
import type { ResourceType, ResourceVersion } from '../../apis/resource-type.ts';
import { notAcceptable } from '../../machinery/status.ts';
import { acceptClauses } from '../media.ts';
import type { PathHandler, PathRequest, PathResponse } from '../paths.ts';
import type { ResourceRegistry } from '../registry.ts';
import { documentHash, documentV3, groupVersionPaths } from './documents.ts';
import { type FormatV2, wholeDocument } from './whole-document.ts';

interface Document {
  /** Written when it is asked for: most custom resources' never are. */
  readonly body: () => string;
  readonly hash: string;
  /** What it was made from: the same records, the same document. */
  readonly sources: Sources;
}

type Sources = readonly (readonly [ResourceType, ResourceVersion])[];

const contentTypes: Readonly<Record<FormatV2, string>> = {
  json: 'application/json',
  protobuf: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
};
/** What clients ask for from before the at sign was found to be no part of a media type. */
const oldProtobufType = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

export function openApiPaths(registry: ResourceRegistry): PathHandler {
  const documents = new Map<string, Document>();
  let index: { generation: number; body: string } | undefined;
  const v2 = { json: wholeDocument(registry, 'json'), protobuf: wholeDocument(registry, 'protobuf') };

  let known: { generation: number; paths: ReturnType<typeof groupVersionPaths> } | undefined;

  const groupVersions = (): ReturnType<typeof groupVersionPaths> => {
    if (known?.generation !== registry.generation) {
      known = { generation: registry.generation, paths: groupVersionPaths(registry) };
      for (const path of documents.keys()) if (!known.paths.has(path)) documents.delete(path);
    }
    return known.paths;
  };

  const document = (path: string): Document | undefined => {
    const sources = groupVersions().get(path);
    if (sources === undefined) return undefined;
    let found = documents.get(path);
    if (found === undefined || !sameSources(found.sources, sources)) {
      const body = lazily(() => JSON.stringify(documentV3(sources)));
      found = { body, hash: isCustom(sources) ? customHash(sources) : documentHash(body()), sources };
      documents.set(path, found);
    }
    return found;
  };

  /**
   * The index names every document by its hash, and must not have to write them all: one of custom resources is known by
   * what it is written from, their definitions and what all documents have in common, for which the core's stands.
   */
  const customHash = (sources: Sources): string => documentHash(JSON.stringify([document('api/v1')?.hash, sources]));

  const root = (): string => {
    if (index?.generation !== registry.generation) {
      const paths: Record<string, { serverRelativeURL: string }> = {};
      for (const path of groupVersions().keys()) {
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${document(path)!.hash}` };
      }
      index = { generation: registry.generation, body: JSON.stringify({ paths }) };
    }
    return index.body;
  };

  return (request) => {
    if (!request.path.startsWith('/openapi/')) return undefined;
    const path = request.path.slice('/openapi/'.length).replace(/\/$/, '');
    if (path === 'v2') {
      const format = chooseFormat(request.accept);
      if (format === undefined) throw notAcceptable(Object.values(contentTypes));
      return v2[format]().then(({ body, hash }) => respond(request, body, hash, {}, contentTypes[format]));
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
    return respond(request, found.body(), found.hash, lasting);
  };
}

function respond(
  request: PathRequest,
  body: string | Uint8Array,
  hash: string,
  extra: Readonly<Record<string, string>>,
  contentType = contentTypes.json,
): PathResponse {
  const etag = `"${hash}"`;
  const headers = { ETag: etag, Vary: 'Accept', ...extra };
  if ((request.ifNoneMatch ?? '').includes(etag)) return { code: 304, contentType, body: '', headers };
  return { code: 200, contentType, body, headers };
}

/** The first of the client's wishes that can be met. */
function chooseFormat(accept: string | undefined): FormatV2 | undefined {
  if (accept === undefined || accept === '') return 'json';
  for (const { type, quality } of acceptClauses(accept)) {
    if (quality === 0) continue;
    if (type === contentTypes.json || type === '*/*' || type === 'application/*') return 'json';
    if (type === contentTypes.protobuf || type === oldProtobufType) return 'protobuf';
  }
  return undefined;
}

function isCustom(sources: Sources): boolean {
  return sources.every(([, { typeErrors }]) => typeErrors === 'validation');
}

function lazily(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function sameSources(a: Sources, b: Sources): boolean {
  return a.length === b.length && a.every(([type, version], i) => type === b[i]![0] && version === b[i]![1]);
}
