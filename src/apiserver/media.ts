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

export const plainJson: Representation = {
  encoding: 'json',
  shape: 'object',
  metaVersion: 'v1',
  pretty: false,
  contentType: 'application/json',
};

const yaml: Representation = { ...plainJson, encoding: 'yaml', contentType: 'application/yaml' };

export const acceptedTypes: readonly string[] = ['application/json', 'application/yaml'];
/** What request bodies may be. */
export const bodyTypes: readonly string[] = ['application/json', 'application/yaml'];
export const protobufType = 'application/vnd.kubernetes.protobuf';
/** What request bodies may be that hold one of Kubernetes' own kinds. */
export const builtinBodyTypes: readonly string[] = [...bodyTypes, protobufType];

/**
 * The first clause of the Accept header that we can answer with. Clauses are taken by quality, then in the client's
 * order, wildcards last, as kube-apiserver does. Throws 406 when there is none.
 */
export function negotiate(
  accept: string | undefined,
  query: URLSearchParams,
  userAgent: string | undefined,
): Representation {
  const found = answers(accept);
  if (found === undefined) throw notAcceptable(acceptedTypes);
  return wantsPretty(query, userAgent) ? { ...found, pretty: true } : found;
}

/** The same for a watch, whose events are JSON. */
export function negotiateWatch(accept: string | undefined): Representation {
  const found = answers(accept);
  if (found === undefined) throw notAcceptable(acceptedTypes);
  if (found.encoding !== 'json') throw notAcceptable(['application/json;stream=watch']);
  return found.pretty ? { ...found, pretty: false } : found;
}

/** The same for a failure, which is told whatever the client accepts: a Status is never a Table. */
export function negotiateFailure(
  accept: string | undefined,
  query: URLSearchParams,
  userAgent: string | undefined,
): Representation {
  const found = failures(accept) ?? plainJson;
  return wantsPretty(query, userAgent) ? { ...found, pretty: true } : found;
}

const answers = chooser(represent);
const failures = chooser((clause) => {
  const { as, g, v, sv } = Object.fromEntries(clause.parameters);
  return as === undefined && g === undefined && v === undefined && (sv ?? '') === '' ? represent(clause) : undefined;
});

/** Clients send few different headers: what they get is remembered. */
function chooser(
  offer: (clause: Clause) => Representation | undefined,
): (accept: string | undefined) => Representation | undefined {
  const known = new Map<string, Representation | undefined>();
  return (accept) => {
    if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return plainJson;
    if (known.has(accept)) return known.get(accept);
    let found: Representation | undefined;
    for (const clause of acceptClauses(accept)) {
      found = offer(clause);
      if (found !== undefined) break;
    }
    // One that makes them up must not fill the memory.
    if (known.size < 256) known.set(accept, found);
    return found;
  };
}

/** What is read by people: asked for, or by the looks of the client. */
function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty');
  if (asked !== null && asked !== '') return /^(1|t|T|true|TRUE|True)$/.test(asked);
  return userAgent !== undefined && /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent);
}

export interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** The clauses of an Accept header by quality, then in the client's order, wildcards last. */
export function acceptClauses(accept: string): Clause[] {
  return accept
    .split(',')
    .map(parseClause)
    .sort((a, b) => b.quality - a.quality || wildcards(a) - wildcards(b));
}

function wildcards({ type }: Clause): number {
  if (type.startsWith('*')) return 2;
  return type.endsWith('/*') ? 1 : 0;
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

/** Parameters that mean nothing to us (`charset`) are passed over. */
function represent({ type, parameters, quality }: Clause): Representation | undefined {
  if (quality === 0) return undefined;
  let base: Representation;
  if (type === '*/*' || type === 'application/*' || type === 'application/json') base = plainJson;
  else if (type === 'application/yaml') base = yaml;
  else return undefined;
  const { as, g, v, sv, stream, pretty } = Object.fromEntries(parameters);
  if ((stream ?? '') !== '' && (stream !== 'watch' || base === yaml)) return undefined;
  if ((sv ?? '') !== '' && sv !== 'v1') return undefined;
  const found = pretty === '1' ? { ...base, pretty: true } : base;
  if (as === undefined && g === undefined && v === undefined) return found;
  if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined;
  const shape = shapes[as ?? ''];
  return shape === undefined ? undefined : { ...found, shape, metaVersion: v };
}

const shapes: Readonly<Record<string, Shape | undefined>> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partial',
};

/** The media type of a Content-Type header, without parameters and in lower case; empty when there is none. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
}
