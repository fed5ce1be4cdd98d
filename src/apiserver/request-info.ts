/**
 * What a path asks for. Source: `k8s.io/apiserver/pkg/endpoints/request` (RequestInfo) and the API concepts page,
 * "Resource URIs".
 */
export interface ResourcePath {
  readonly kind: 'resource';
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  /** Empty for collections. */
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, without a leading slash. */
  readonly rest: string;
  /** The deprecated `/watch/` form of paths. */
  readonly watch: boolean;
}

export interface OtherPath {
  readonly kind: 'other';
  readonly path: string;
}

/** Subresources of namespaces; anything else behind a namespace's name is a resource in it. */
const namespaceSubresources = new Set(['status', 'finalize']);

export function parsePath(path: string): ResourcePath | OtherPath {
  const parts = path.split('/');
  const other: OtherPath = { kind: 'other', path };
  let at: number;
  let group: string;
  if (parts[1] === 'api') {
    group = '';
    at = 2;
  } else if (parts[1] === 'apis') {
    group = parts[2] ?? '';
    at = 3;
  } else return other;
  const version = parts[at] ?? '';
  let rest = parts.slice(at + 1);
  if (version === '' || rest.length === 0 || rest[0] === '') return other;
  const watch = rest[0] === 'watch' && rest.length > 1;
  if (watch) rest = rest.slice(1);
  const decoded = rest.map(decodeSegment);
  if (decoded.some((segment) => segment === undefined)) return other;
  const segments = decoded as string[];
  const info = { kind: 'resource' as const, group, version, watch };
  const inNamespace =
    segments[0] === 'namespaces' &&
    segments.length > 2 &&
    segments[2] !== '' &&
    !(segments.length === 3 && namespaceSubresources.has(segments[2]!));
  if (inNamespace) {
    return {
      ...info,
      namespace: segments[1]!,
      resource: segments[2]!,
      name: segments[3] ?? '',
      subresource: segments[4] ?? '',
      rest: segments.slice(5).join('/'),
    };
  }
  return {
    ...info,
    namespace: undefined,
    resource: segments[0]!,
    name: segments[1] ?? '',
    subresource: segments[2] ?? '',
    rest: segments.slice(3).join('/'),
  };
}

/** `undefined` when the escapes are broken. */
function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
