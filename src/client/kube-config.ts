/**
 * Where the API server is and who we are there: kubeconfig files, or the service account of the pod that we run in.
 *
 * Plain kubeconfigs (certificates, tokens, passwords) are read here. Users that need a program or an auth provider are
 * handed to `@kubernetes/client-node`, which is loaded only then: it takes half a second and 80 MB.
 * Source: "Organizing Cluster Access Using kubeconfig Files".
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RequestOptions as HttpsRequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { type Clock, systemClock } from '../clock/clock.ts';
import type { Credentials, HttpTransportOptions } from './http.ts';

export interface KubeConfigSource {
  /** A file, or several as in `$KUBECONFIG`. Default: `$KUBECONFIG`, else `~/.kube/config`, else the pod's service account. */
  readonly path?: string;
  /** Default: the file's current context. */
  readonly context?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
}

/** What a transport needs, and the namespace that the context names. */
export interface LoadedKubeConfig extends HttpTransportOptions {
  readonly namespace?: string;
}

interface Named {
  readonly name: string;
}

interface Cluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}

interface User {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[];
  readonly exec?: unknown;
  readonly 'auth-provider'?: unknown;
}

interface Context {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** Entries know the folder of their file: paths in them are relative to it. */
type Placed<T> = { readonly value: T; readonly folder: string };

interface KubeConfigFiles {
  currentContext: string | undefined;
  readonly clusters: Map<string, Placed<Cluster>>;
  readonly users: Map<string, Placed<User>>;
  readonly contexts: Map<string, Placed<Context>>;
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Projected tokens change; client-go reads them again every minute. */
const tokenLifetime = 60_000;

/** @throws Error saying which file, context, cluster or user is missing. */
export async function loadKubeConfig(source: KubeConfigSource | string = {}): Promise<LoadedKubeConfig> {
  const {
    path,
    context,
    env = process.env,
    clock = systemClock,
  } = typeof source === 'string' ? ({ path: source } as KubeConfigSource) : source;
  const paths = (path ?? env.KUBECONFIG ?? '').split(delimiter).filter((entry) => entry !== '');
  const explicit = paths.length > 0;
  if (!explicit) paths.push(join(env.HOME ?? homedir(), '.kube', 'config'));
  const files = await readFiles(paths, path !== undefined);
  if (files === undefined) {
    if (!explicit && env.KUBERNETES_SERVICE_HOST !== undefined) return inCluster(env, clock);
    throw new Error(`there is no kubeconfig at ${paths.join(', ')}`);
  }
  return fromFiles(files, paths, context, clock);
}

/** Reads a kubeconfig from text, e.g. out of a Secret. Paths in it are relative to the working directory. */
export async function parseKubeConfig(text: string, context?: string): Promise<LoadedKubeConfig> {
  const files = emptyFiles();
  merge(files, text, '.', 'the kubeconfig');
  return fromFiles(files, [], context, systemClock, text);
}

async function fromFiles(
  files: KubeConfigFiles,
  paths: readonly string[],
  contextName: string | undefined,
  clock: Clock,
  text?: string,
): Promise<LoadedKubeConfig> {
  const name = contextName ?? files.currentContext;
  if (name === undefined || name === '') throw new Error('the kubeconfig has no current context: name one');
  const context = found(files.contexts, name, 'context').value;
  const cluster = found(files.clusters, context.cluster ?? '', 'cluster');
  const user = context.user === undefined || context.user === '' ? undefined : found(files.users, context.user, 'user');
  const { server } = cluster.value;
  if (server === undefined || server === '') throw new Error(`the cluster "${context.cluster}" has no server`);
  if (cluster.value['proxy-url'] !== undefined) {
    throw new Error(`the cluster "${context.cluster}" is behind a proxy (proxy-url), which is not supported`);
  }
  const ca = await dataOrFile(cluster, 'certificate-authority');
  const { 'tls-server-name': tlsServerName, 'insecure-skip-tls-verify': insecure } = cluster.value;
  return {
    server,
    ...(ca === undefined ? {} : { ca }),
    ...(insecure === true ? { insecureSkipTlsVerify: true } : {}),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(context.namespace === undefined ? {} : { namespace: context.namespace }),
    ...(user === undefined ? {} : await userOptions(user, clock, () => clientNodeCredentials(paths, name, text))),
  };
}

async function userOptions(
  user: Placed<User>,
  clock: Clock,
  elsewhere: () => Promise<() => Promise<Credentials>>,
): Promise<Partial<HttpTransportOptions>> {
  const { value, folder } = user;
  if (value.exec !== undefined || value['auth-provider'] !== undefined) return { credentials: await elsewhere() };
  const cert = await dataOrFile(user, 'client-certificate');
  const key = await dataOrFile(user, 'client-key');
  const fixed = { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  const headers = impersonation(value);
  if (value.username !== undefined) {
    const pair = Buffer.from(`${value.username}:${value.password ?? ''}`).toString('base64');
    headers.Authorization = `Basic ${pair}`;
  }
  if (value.tokenFile !== undefined) {
    return { ...fixed, credentials: tokenFromFile(absolute(value.tokenFile, folder), headers, clock) };
  }
  return {
    ...fixed,
    ...(value.token === undefined ? {} : { token: value.token }),
    ...(Object.keys(headers).length === 0 ? {} : { credentials: async () => ({ headers }) }),
  };
}

function impersonation(user: User): Record<string, string | string[]> {
  const { as, 'as-uid': uid, 'as-groups': groups = [] } = user;
  return {
    ...(as === undefined ? {} : { 'Impersonate-User': as }),
    ...(uid === undefined ? {} : { 'Impersonate-Uid': uid }),
    ...(groups.length === 0 ? {} : { 'Impersonate-Group': [...groups] }),
  };
}

function tokenFromFile(
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  clock: Clock,
): () => Promise<Credentials> {
  let known: { readonly at: number; readonly token: string } | undefined;
  return async () => {
    if (known === undefined || clock.now() - known.at >= tokenLifetime) {
      known = { at: clock.now(), token: (await readFile(path, 'utf8')).trim() };
    }
    return { headers: { ...headers, Authorization: `Bearer ${known.token}` } };
  };
}

async function inCluster(env: Readonly<Record<string, string | undefined>>, clock: Clock): Promise<LoadedKubeConfig> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env;
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: await readFile(join(serviceAccount, 'ca.crt')),
    namespace: (await readFile(join(serviceAccount, 'namespace'), 'utf8')).trim(),
    credentials: tokenFromFile(join(serviceAccount, 'token'), {}, clock),
  };
}

/** Programs and auth providers, by client-node: it runs them, caches what they answer and renews it. */
async function clientNodeCredentials(
  paths: readonly string[],
  context: string,
  text: string | undefined,
): Promise<() => Promise<Credentials>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (text !== undefined) config.loadFromString(text);
  else {
    const [first = '', ...others] = paths;
    config.loadFromFile(first);
    for (const other of others) {
      const more = new KubeConfig();
      more.loadFromFile(other);
      config.mergeConfig(more, true);
    }
  }
  config.setCurrentContext(context);
  return credentialsOf(config);
}

/** The options for a client-node `KubeConfig` that is there already; its current context counts. */
export function fromClientNode(config: KubeConfig): LoadedKubeConfig {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the KubeConfig has no current cluster');
  const { server, caData, caFile, skipTLSVerify, tlsServerName } = cluster;
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  return {
    server,
    ...(caData !== undefined
      ? { ca: Buffer.from(caData, 'base64') }
      : caFile !== undefined
        ? { ca: readFileSync(caFile) }
        : {}),
    ...(skipTLSVerify ? { insecureSkipTlsVerify: true } : {}),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(namespace === undefined ? {} : { namespace }),
    credentials: credentialsOf(config),
  };
}

function credentialsOf(config: KubeConfig): () => Promise<Credentials> {
  return async () => {
    const options: HttpsRequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(options);
    const authorization =
      (options.headers as Record<string, string> | undefined)?.Authorization ??
      (typeof options.auth === 'string' ? `Basic ${Buffer.from(options.auth).toString('base64')}` : undefined);
    return {
      ...(authorization === undefined ? {} : { headers: { Authorization: authorization } }),
      ...(isPem(options.cert) ? { cert: options.cert } : {}),
      ...(isPem(options.key) ? { key: options.key } : {}),
    };
  };
}

function isPem(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

/** Undefined when none of the files is there. A single file that is asked for by name must be. */
async function readFiles(paths: readonly string[], named: boolean): Promise<KubeConfigFiles | undefined> {
  const files = emptyFiles();
  let any = false;
  for (const path of paths) {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || (named && paths.length === 1)) throw error;
      continue;
    }
    any = true;
    merge(files, text, dirname(path), path);
  }
  return any ? files : undefined;
}

function emptyFiles(): KubeConfigFiles {
  return { currentContext: undefined, clusters: new Map(), users: new Map(), contexts: new Map() };
}

/** What an earlier file has said stands. */
function merge(files: KubeConfigFiles, text: string, folder: string, source: string): void {
  const config = parse(text) as Record<string, unknown> | null;
  if (config === null) return;
  if (typeof config !== 'object' || Array.isArray(config)) throw new Error(`${source} is no kubeconfig`);
  const current = config['current-context'];
  if (typeof current === 'string' && current !== '') files.currentContext ??= current;
  take(files.clusters, config.clusters, 'cluster', folder);
  take(files.users, config.users, 'user', folder);
  take(files.contexts, config.contexts, 'context', folder);
}

function take<T>(into: Map<string, Placed<T>>, entries: unknown, field: string, folder: string): void {
  if (!Array.isArray(entries)) return;
  for (const entry of entries as (Named & Record<string, unknown>)[]) {
    if (into.has(entry.name)) continue;
    into.set(entry.name, { value: (entry[field] ?? {}) as T, folder });
  }
}

function found<T>(entries: ReadonlyMap<string, Placed<T>>, name: string, what: string): Placed<T> {
  const entry = entries.get(name);
  if (entry === undefined) {
    const there = [...entries.keys()].join(', ') || 'none';
    throw new Error(`the kubeconfig has no ${what} "${name}" (there are: ${there})`);
  }
  return entry;
}

/** `<field>-data` holds base64, `<field>` a path; the data goes first. */
async function dataOrFile(
  { value, folder }: Placed<Cluster | User>,
  field: 'certificate-authority' | 'client-certificate' | 'client-key',
): Promise<Buffer | undefined> {
  const fields = value as Readonly<Record<string, unknown>>;
  const data = fields[`${field}-data`];
  if (typeof data === 'string' && data !== '') return Buffer.from(data, 'base64');
  const path = fields[field];
  return typeof path === 'string' && path !== '' ? readFile(absolute(path, folder)) : undefined;
}

function absolute(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}
