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

/** `path` is decoded: an escaped slash separates segments, as it does in kube-apiserver. */
export function parsePath(path: string): ResourcePath | OtherPath {
  const parts = path.split('/');
  let at: number;
  let group: string;
  if (parts[1] === 'api') {
    group = '';
    at = 2;
  } else if (parts[1] === 'apis') {
    group = parts[2] ?? '';
    at = 3;
  } else return { kind: 'other', path };
  const version = parts[at] ?? '';
  at += 1;
  if (version === '' || (parts[at] ?? '') === '') return { kind: 'other', path };
  const watch = parts[at] === 'watch' && parts.length > at + 1;
  if (watch) at += 1;
  let namespace: string | undefined;
  if (parts[at] === 'namespaces' && parts[at + 1] === '' && parts.length > at + 2) return { kind: 'other', path };
  if (isInNamespace(parts, at)) {
    namespace = parts[at + 1]!;
    at += 2;
  }
  return {
    kind: 'resource',
    group,
    version,
    watch,
    namespace,
    resource: parts[at]!,
    name: parts[at + 1] ?? '',
    subresource: parts[at + 2] ?? '',
    rest: parts.length > at + 3 ? parts.slice(at + 3).join('/') : '',
  };
}

/** Whether `namespaces/<name>` at `at` is a scope and not the object itself. */
function isInNamespace(parts: readonly string[], at: number): boolean {
  if (parts[at] !== 'namespaces' || (parts[at + 2] ?? '') === '') return false;
  return !(parts.length === at + 3 && namespaceSubresources.has(parts[at + 2]!));
}

/** The path of a URL without its escapes; `undefined` when they are broken. */
export function decodePath(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
