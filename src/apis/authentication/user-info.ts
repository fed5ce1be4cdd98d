import type { UserInfo } from '../user-info.ts';

/** `authentication.k8s.io/v1` UserInfo. */
export interface ReviewedUser {
  username?: string;
  uid?: string;
  groups?: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

/** Extras stand in the order of their names. */
export function reviewedUser({ name, uid, groups, extra = {} }: UserInfo): ReviewedUser {
  const keys = Object.keys(extra).sort();
  return {
    username: name,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(keys.length === 0 ? {} : { extra: Object.fromEntries(keys.map((key) => [key, extra[key]!])) }),
  };
}
