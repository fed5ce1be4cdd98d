/**
 * Content negotiation: what a client accepts and what we answer with.
 * Source: API concepts, "Resource representations" and "Receiving resources as Tables".
 */
import { notAcceptable } from '../machinery/status.ts';

export type Shape = 'object' | 'table' | 'partial';
export type Encoding = 'json' | 'yaml';

export interface Representation {
  readonly encoding: Encoding;
  readonly shape: Shape;
  /** The version of `meta.k8s.io` that Tables and partial objects are in. */
  readonly metaVersion: 'v1' | 'v1beta1';
  readonly pretty: boolean;
  readonly contentType: string;
}

const json: Representation = {
  encoding: 'json',
  shape: 'object',
  metaVersion: 'v1',
  pretty: false,
  contentType: 'application/json',
};

const yaml: Representation = { ...json, encoding: 'yaml', contentType: 'application/yaml' };

export const acceptedTypes: readonly string[] = ['application/json', 'application/yaml'];
/** What request bodies may be. */
export const bodyTypes: readonly string[] = ['application/json', 'application/yaml'];
export const protobufType = 'application/vnd.kubernetes.protobuf';
/** What request bodies may be that hold one of Kubernetes' own kinds. */
export const builtinBodyTypes: readonly string[] = [...bodyTypes, protobufType];

const known = new Map<string, Representation>();

/**
 * The first clause of the Accept header that we can answer with. Clauses are taken by quality, then in the client's
 * order, as kube-apiserver does. Throws 406 when there is none.
 */
export function negotiate(accept: string | undefined, query: URLSearchParams): Representation {
  const found = accept === undefined || accept === '' || accept === '*/*' ? json : lookUp(accept);
  const pretty = query.get('pretty');
  return pretty !== null && pretty !== '' && pretty !== '0' && pretty !== 'false' ? { ...found, pretty: true } : found;
}

function lookUp(accept: string): Representation {
  let found = known.get(accept);
  if (found === undefined) {
    found = choose(accept);
    // Clients send few different headers; one that makes them up must not fill the memory.
    if (known.size < 256) known.set(accept, found);
  }
  return found;
}

export interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function choose(accept: string): Representation {
  for (const clause of acceptClauses(accept)) {
    const representation = represent(clause);
    if (representation !== undefined) return representation;
  }
  throw notAcceptable(acceptedTypes);
}

/** The clauses of an Accept header by quality, then in the client's order. */
export function acceptClauses(accept: string): Clause[] {
  return accept
    .split(',')
    .map(parseClause)
    .sort((a, b) => b.quality - a.quality);
}

function parseClause(text: string): Clause {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals > 0) parameters.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  const quality = Number(parameters.get('q') ?? 1);
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

function represent({ type, parameters, quality }: Clause): Representation | undefined {
  if (quality === 0) return undefined;
  let base: Representation;
  if (type === '*/*' || type === 'application/*' || type === 'application/json') base = json;
  else if (type === 'application/yaml') base = yaml;
  else return undefined;
  if (parameters.has('stream') && parameters.get('stream') !== 'watch') return undefined;
  const as = parameters.get('as');
  const pretty = parameters.get('pretty') === '1';
  if (as === undefined) return pretty ? { ...base, pretty } : base;
  const version = parameters.get('v');
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  const shape: Shape | undefined =
    as === 'Table'
      ? 'table'
      : as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList'
        ? 'partial'
        : undefined;
  if (shape === undefined) return undefined;
  return { ...base, shape, metaVersion: version, pretty };
}

/** The media type of a Content-Type header, without parameters and in lower case; empty when there is none. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
}
