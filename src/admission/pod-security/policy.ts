/**
 * Which Pod Security Standard holds in a namespace, as its labels say.
 * Source: Kubernetes "Pod Security Admission"; `k8s.io/pod-security-admission/api/helpers.go`.
 */
import { type FieldError, FieldPath, invalid } from '../../machinery/field.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';

/** A standard as some minor version of Kubernetes had it; Infinity: the latest. */
export interface Standard {
  readonly level: Level;
  readonly minor: number;
}

export interface PodSecurityPolicy {
  readonly enforce: Standard;
  readonly audit: Standard;
  readonly warn: Standard;
}

const levels: readonly Level[] = ['privileged', 'baseline', 'restricted'];
const latest = Number.POSITIVE_INFINITY;
const privileged: Standard = { level: 'privileged', minor: latest };
/** Of the labels of namespaces, and of the annotations of audit events. */
export const labelPrefix = 'pod-security.kubernetes.io/';

export const privilegedPolicy: PodSecurityPolicy = { enforce: privileged, audit: privileged, warn: privileged };

export const standardText = ({ level, minor }: Standard): string =>
  `${level}:${minor === latest ? 'latest' : `v1.${minor}`}`;

export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b);

export const sameStandard = (a: Standard, b: Standard): boolean => a.level === b.level && a.minor === b.minor;

/**
 * Labels that cannot be read count as the strictest for `enforce` and as none for `audit` and `warn`. Where only `enforce`
 * is set, what it refuses in pods is warned of in the objects that make pods.
 */
export function podSecurityPolicy(labels: Readonly<Record<string, string>> | undefined): ReadPolicy {
  if (labels === undefined) return { policy: privilegedPolicy, errors: [] };
  let known = read.get(labels);
  if (known === undefined) {
    known = readPolicy(labels);
    read.set(labels, known);
  }
  return known;
}

interface ReadPolicy {
  readonly policy: PodSecurityPolicy;
  readonly errors: readonly FieldError[];
}

/** Namespaces are shared and frozen: every pod of one meets the same labels. */
const read = new WeakMap<object, ReadPolicy>();

function readPolicy(labels: Readonly<Record<string, string>>): ReadPolicy {
  const errors: FieldError[] = [];
  const enforce = standardOf(labels, 'enforce', 'restricted', errors);
  const hasLevel = enforce !== undefined && errors.length === 0;
  const audit = standardOf(labels, 'audit', 'privileged', errors) ?? privileged;
  const own = standardOf(labels, 'warn', 'privileged', errors);
  const inherits = own === undefined && hasLevel;
  return { policy: { enforce: enforce ?? privileged, audit, warn: (inherits ? enforce : own) ?? privileged }, errors };
}

function standardOf(
  labels: Readonly<Record<string, string>>,
  mode: string,
  unreadable: Level,
  errors: FieldError[],
): Standard | undefined {
  const refuse = (label: string, value: string, why: string): void => {
    errors.push(invalid(FieldPath.of('metadata', 'labels').key(label), value, why));
  };
  const levelText = labels[`${labelPrefix}${mode}`];
  const versionText = labels[`${labelPrefix}${mode}-version`];
  if (levelText === undefined && versionText === undefined) return undefined;
  let level: Level = 'privileged';
  if (levelText !== undefined) {
    const known = levels.find((name) => name === levelText);
    if (known === undefined) refuse(`${labelPrefix}${mode}`, levelText, `must be one of ${levels.join(', ')}`);
    level = known ?? unreadable;
  }
  const minor = versionText === undefined ? latest : minorOf(versionText);
  if (minor === undefined) refuse(`${labelPrefix}${mode}-version`, versionText!, 'must be "latest" or "v1.x"');
  return { level, minor: minor ?? latest };
}

function minorOf(text: string): number | undefined {
  if (text === 'latest') return latest;
  const match = /^v1\.(0|[1-9]\d*)$/.exec(text);
  return match === null ? undefined : Number(match[1]);
}
