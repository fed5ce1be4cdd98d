/**
 * Where requests without credentials are let in, as `system:anonymous`; elsewhere they are refused with 401.
 * Source: KEP-4633 (AnonymousAuthConfig); Kubernetes authentication, "Anonymous requests".
 */

/** Whether a request without credentials may go on to authorization at this path. */
export type AnonymousPolicy = (path: string) => boolean;

export const anonymousEverywhere: AnonymousPolicy = () => true;

export const anonymousNowhere: AnonymousPolicy = () => false;

/** The `anonymous` part of an AuthenticationConfiguration: conditions name paths exactly; without any, all are meant. */
export function anonymousAt(enabled: boolean, paths: readonly string[]): AnonymousPolicy {
  if (!enabled) return anonymousNowhere;
  if (paths.length === 0) return anonymousEverywhere;
  const open = new Set(paths);
  return (path) => open.has(path);
}

/** What load balancers and probes ask, and nothing else. */
export const anonymousHealth: AnonymousPolicy = anonymousAt(true, ['/healthz', '/livez', '/readyz']);
