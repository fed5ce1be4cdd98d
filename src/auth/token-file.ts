/**
 * The file of `--token-auth-file`: lines `token,user,uid,"group1,group2"`.
 * Source: Kubernetes authentication, "Static token file"; `apiserver/pkg/authentication/token/tokenfile`.
 */
import { createHash } from 'node:crypto';
import type { UserInfo } from '../apis/user-info.ts';

export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
}

/** Users by the hash of their token: how long a look-up takes says nothing of the tokens. */
export type TokenTable = ReadonlyMap<string, UserInfo>;

/** `name` is what messages call the file; they show nothing of its content. @throws TokenFileError */
export function parseTokenFile(text: string, name: string): TokenTable {
  const users = new Map<string, UserInfo>();
  for (const record of records(text, name)) {
    if (record.length < 3) {
      throw new TokenFileError(
        `token file '${name}' must have at least 3 columns (token, user name, user uid), found ${record.length}`,
      );
    }
    const [token = '', user = '', uid = '', groups = ''] = record;
    if (token === '') continue;
    users.set(hash(token), {
      name: user,
      ...(uid === '' ? {} : { uid }),
      groups: groups === '' ? [] : groups.split(','),
    });
  }
  return users;
}

export function userOf(table: TokenTable, token: string): UserInfo | undefined {
  return table.get(hash(token));
}

const hash = (token: string): string => createHash('sha256').update(token).digest('base64');

/** RFC 4180, as far as tokens go: fields in quotes may hold commas, and quotes written twice. */
function records(text: string, name: string): string[][] {
  const found: string[][] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue;
    const fields: string[] = [];
    let rest = line;
    for (;;) {
      const [whole, quoted, plain] = /^(?:\s*"((?:[^"]|"")*)"|([^",]*))(?=,|$)/.exec(rest) ?? [];
      if (whole === undefined)
        throw new TokenFileError(`token file '${name}': quotes are not in place on line ${index + 1}`);
      fields.push(quoted === undefined ? plain!.trimStart() : quoted.replaceAll('""', '"'));
      if (rest.length === whole.length) break;
      rest = rest.slice(whole.length + 1);
    }
    found.push(fields);
  }
  return found;
}
