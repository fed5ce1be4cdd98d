/** URLs: `url('https://example.com').getHost()`. Source: Kubernetes' `apiserver/pkg/cel/library/urls.go`; Go `net/url`. */

import { goQuote } from '../../machinery/go-text.ts';
import { declare, type Library } from '../functions.ts';
import { parseType } from '../types.ts';
import { CelError, EntryMap, ListValue, OpaqueValue, type Value } from '../values.ts';

const name = 'kubernetes.URL';

interface Url {
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  /** As it was written. */
  readonly path: string;
  readonly query: string;
}

export class UrlValue extends OpaqueValue {
  readonly typeName = name;
  readonly url: Url;

  constructor(url: Url) {
    super();
    this.url = url;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof UrlValue && this.url.text === other.url.text;
  }
}

export const urlLibrary: Library = {
  types: [parseType(name)],
  functions: [
    declare('url', {
      string_to_url: [
        `(string) -> ${name}`,
        (text: string): Value => {
          const url = parseRequestUri(text);
          return typeof url === 'string'
            ? new CelError(`URL parse error during conversion from string: ${url}`)
            : new UrlValue(url);
        },
      ],
    }),
    declare('isURL', {
      is_url_string: ['(string) -> bool', (text: string) => typeof parseRequestUri(text) !== 'string'],
    }),
    declare('getScheme', { url_get_scheme: [`${name}.() -> string`, ({ url }: UrlValue) => url.scheme] }),
    declare('getHost', { url_get_host: [`${name}.() -> string`, ({ url }: UrlValue) => url.host] }),
    declare('getHostname', {
      url_get_hostname: [`${name}.() -> string`, ({ url }: UrlValue) => splitHost(url.host)[0]],
    }),
    declare('getPort', { url_get_port: [`${name}.() -> string`, ({ url }: UrlValue) => splitHost(url.host)[1]] }),
    declare('getEscapedPath', {
      url_get_escaped_path: [`${name}.() -> string`, ({ url }: UrlValue) => escapePath(url.path)],
    }),
    declare('getQuery', {
      url_get_query: [`${name}.() -> map(string, list(string))`, ({ url }: UrlValue) => queryMap(url.query)],
    }),
  ],
};

/** An absolute URL or an absolute path, or what Go says is wrong with it. */
export function parseRequestUri(text: string): Url | string {
  const wrong = (why: string): string => `parse ${goQuote(text)}: ${why}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\x00-\x1f\x7f]/.test(text)) return wrong('net/url: invalid control character in URL');
  if (text === '') return wrong('empty url');
  if (text === '*') return { text, scheme: '', host: '', path: '*', query: '' };
  if (text.startsWith(':')) return wrong('missing protocol scheme');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? '';
  const withoutFragment = text.replace(/#.*$/s, '');
  const [beforeQuery, query] = cut(withoutFragment.slice(scheme === '' ? 0 : scheme.length + 1), '?');
  const found = { text, scheme: scheme.toLowerCase(), query };
  if (!beforeQuery.startsWith('/')) {
    return scheme === '' ? wrong('invalid URI for request') : { ...found, host: '', path: '' };
  }
  let host = '';
  let path = beforeQuery;
  if (scheme !== '' && path.startsWith('//')) {
    const slash = path.indexOf('/', 2);
    const authority = path.slice(2, slash < 0 ? undefined : slash);
    path = slash < 0 ? '' : path.slice(slash);
    const [user, rest] = cutLast(authority, '@');
    if (user !== undefined && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user))
      return wrong('net/url: invalid userinfo');
    const problem = hostProblem(rest);
    if (problem !== undefined) return wrong(problem);
    host = decodeURIComponentSafe(rest);
  }
  const badEscape = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(path);
  if (badEscape !== null) return wrong(`invalid URL escape ${goQuote(badEscape[0])}`);
  return { ...found, host, path };
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function cutLast(text: string, separator: string): [string | undefined, string] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? [undefined, text] : [text.slice(0, at), text.slice(at + 1)];
}

function hostProblem(host: string): string | undefined {
  let port = '';
  let name = host;
  if (host.startsWith('[')) {
    const close = host.lastIndexOf(']');
    if (close < 0) return "missing ']' in host";
    port = host.slice(close + 1);
    name = host.slice(1, close);
  } else {
    const colon = host.lastIndexOf(':');
    if (colon >= 0) {
      port = host.slice(colon);
      name = host.slice(0, colon);
    }
  }
  if (!/^(?::\d*)?$/.test(port)) return `invalid port ${goQuote(port)} after host`;
  const escaped = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(name);
  if (escaped !== null) return `invalid URL escape ${goQuote(escaped[0])}`;
  const bad = /[ \\^`{|}]/.exec(name);
  return bad === null ? undefined : `invalid character ${goQuote(bad[0])} in host name`;
}

function decodeURIComponentSafe(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

function splitHost(host: string): [hostname: string, port: string] {
  const match = /^(?:\[(.*)\]|(.*?))(?::(\d*))?$/s.exec(host);
  return match === null ? [host, ''] : [match[1] ?? match[2] ?? '', match[3] ?? ''];
}

/** The path as it was written if that is a valid encoding, else encoded. */
function escapePath(path: string): string {
  if (path === '*' || /^[A-Za-z0-9\-._~!$&'()*+,;=:@/[\]%]*$/.test(path)) return path;
  return encodeURI(decodeURIComponentSafe(path)).replace(/[?#]/g, encodeURIComponent);
}

/** All values of each key, in order. Pairs that cannot be decoded are left out. */
function queryMap(query: string): Value {
  const values = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const [key, value] = cut(pair, '=').map((part) => part.replaceAll('+', ' ')) as [string, string];
    if (/%(?![0-9a-fA-F]{2})/.test(pair)) continue;
    const decoded = decodeURIComponentSafe(key);
    const list = values.get(decoded);
    if (list === undefined) values.set(decoded, [decodeURIComponentSafe(value)]);
    else list.push(decodeURIComponentSafe(value));
  }
  return new EntryMap([...values].map(([key, list]) => [key, new ListValue(list)]));
}
