/** Which node a request comes from. Source: Kubernetes `pkg/auth/nodeidentifier`. */
import type { UserInfo } from './user-info.ts';

const prefix = 'system:node:';

/** `undefined`: the user is no node; empty: a node that does not say which. */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  if (!name.startsWith(prefix) || !groups.includes('system:nodes')) return undefined;
  return name.slice(prefix.length);
}
