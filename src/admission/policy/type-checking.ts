/**
 * What the schemas of the matched kinds say against a policy's expressions: warnings for its status, never a reason not to
 * evaluate it. Source: `k8s.io/apiserver/pkg/admission/plugin/policy/validating` (typechecking.go).
 */
import { admissionEnvironment, compileExpression } from '../../apis/admissionregistration/expressions.ts';
import { declaredType, dynType, type Environment, type Type } from '../../cel/index.ts';
import type { ApiObject } from '../../machinery/object.ts';
import type { Schema } from '../../machinery/schema.ts';
import { type ResourceCatalog, servedKind } from '../host.ts';
import type { Rule } from '../matching.ts';
import type { PolicySpec } from './policy.ts';

/** `admissionregistration.k8s.io/v1` ExpressionWarning. */
export interface ExpressionWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

interface Spec extends PolicySpec {
  readonly validations?: readonly { readonly expression: string; readonly messageExpression?: string }[];
}

interface CheckedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: Schema;
}

const maxKinds = 10;

export function checkTypes({ spec }: ApiObject, resources: ResourceCatalog): ExpressionWarning[] {
  const policy = (spec ?? {}) as Spec;
  const kinds = kindsOf(policy.matchConstraints?.resourceRules ?? [], resources);
  const environments = kinds.map((kind) => ({ kind, environment: typedEnvironment(policy, kind, resources) }));
  const warnings: ExpressionWarning[] = [];
  const check = (fieldRef: string, expression: string): void => {
    const problems = environments.flatMap(({ kind, environment }) => {
      const problem = compileExpression(expression, environment);
      if (typeof problem !== 'string') return [];
      const issues = problem.replace(/^compilation failed: /, '');
      return `${kind.group}/${kind.version}, Kind=${kind.kind}: ${issues}\n`;
    });
    if (problems.length > 0) warnings.push({ fieldRef, warning: problems.join('\n') });
  };
  for (const [i, { expression, messageExpression = '' }] of (policy.validations ?? []).entries()) {
    check(`spec.validations[${i}].expression`, expression);
    if (messageExpression !== '') check(`spec.validations[${i}].messageExpression`, messageExpression);
  }
  return warnings;
}

function typedEnvironment(policy: Spec, { schema, kind }: CheckedKind, resources: ResourceCatalog): Environment {
  const { apiVersion = '', kind: paramKind = '' } = policy.paramKind ?? {};
  const paramSchema = servedKind(resources, apiVersion, paramKind)?.version.schema;
  const types = {
    object: typeOf(schema, kind),
    ...(paramSchema === undefined ? {} : { params: typeOf(paramSchema, paramKind) }),
  };
  const params = policy.paramKind !== undefined;
  const variables = new Map<string, Type>();
  for (const { name, expression } of policy.variables ?? []) {
    const environment = admissionEnvironment({ params, variables: new Map(variables) }, types);
    const compiled = compileExpression(expression, environment);
    variables.set(name, typeof compiled === 'string' ? dynType : compiled.type);
  }
  return admissionEnvironment({ params, ...(variables.size === 0 ? {} : { variables }) }, types);
}

function typeOf(schema: Schema, kind: string): Type {
  return declaredType(schema, true, kind)?.type ?? dynType;
}

/** The kinds that rules without wildcards name, sorted. */
function kindsOf(rules: readonly Rule[], resources: ResourceCatalog): CheckedKind[] {
  const found = new Map<string, CheckedKind>();
  for (const { apiGroups = [], apiVersions = [], resources: names = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((value) => value.includes('*'))) continue;
    for (const group of apiGroups) {
      for (const version of apiVersions) {
        for (const name of names) {
          const type = /[*/]/.test(name) ? undefined : resources.get(group, name);
          const served = type?.versions.find((candidate) => candidate.served && candidate.name === version);
          if (type === undefined || served === undefined || found.size >= maxKinds) continue;
          const { kind } = type.names;
          found.set(`${group}/${version}/${kind}`, { group, version, kind, schema: served.schema });
        }
      }
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kind]) => kind);
}
