/** What clients and the audit log are told of versions that go away. Source: KEP-1693. */
import type { AuditTrail } from '../auth/audit/trail.ts';
import type { ServedVersion } from './registry.ts';

export function deprecation({ type, version }: ServedVersion): string {
  const { group, names } = type;
  const kind = group === '' ? `${version.name} ${names.kind}` : `${group}/${version.name} ${names.kind}`;
  return version.deprecationWarning ?? `${kind} is deprecated`;
}

/** Built-in kinds are known to go away in a release, which their warning names. */
export function noteDeprecation(trail: AuditTrail, { version }: ServedVersion): void {
  trail.annotate('k8s.io/deprecated', 'true');
  const release = /unavailable in v(\d+\.\d+)\+/.exec(version.deprecationWarning ?? '')?.[1];
  if (release !== undefined && version.typeErrors === 'decoding') trail.annotate('k8s.io/removed-release', release);
}
