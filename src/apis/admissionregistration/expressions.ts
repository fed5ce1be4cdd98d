/**
 * The expressions of webhooks and policies: whether they compile. What they may name is typed as far as all requests agree.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/cel/compile.go`, and the words of `pkg/apis/admissionregistration/validation`.
 */
import {
  authorizerType,
  CompileError,
  dynType,
  type Environment,
  formatType,
  kubernetesEnvironment,
  objectType,
} from '../../cel/index.ts';
import { type FieldError, type FieldPath, invalid, required } from '../../machinery/field.ts';

export interface ExpressionScope {
  /** Whether there are parameters to name. */
  readonly params?: boolean;
  /** Names of the variables that the policy has defined so far; `undefined`: it can define none. */
  readonly variables?: readonly string[];
}

const environments = new Map<boolean, Environment>();

function environmentOf({ params = false, variables }: ExpressionScope): Environment {
  let base = environments.get(params);
  if (base === undefined) {
    base = kubernetesEnvironment.extend({
      variables: {
        object: 'dyn',
        oldObject: 'dyn',
        request: 'dyn',
        namespaceObject: 'dyn',
        authorizer: authorizerType,
        ...(params ? { params: 'dyn' } : {}),
      },
    });
    environments.set(params, base);
  }
  if (variables === undefined) return base;
  const type = objectType('kubernetes.variables', new Map(variables.map((name) => [name, dynType])));
  return base.extend({ variables: { ...base.options.variables, variables: type } });
}

/** `results`: the types that the expression may have; dyn is known only when it runs. Absent: any. */
export function checkExpression(
  text: string,
  scope: ExpressionScope,
  results: readonly string[] | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (text.trim() === '') {
    errors.push(required(path));
    return;
  }
  try {
    const { type } = environmentOf(scope).compile(text);
    const name = formatType(type);
    if (results !== undefined && name !== 'dyn' && !results.includes(name)) {
      const expected = results.map((result) => (result === 'null_type' ? 'null' : result)).join(' or ');
      errors.push(invalid(path, text, `must evaluate to ${expected}`));
    }
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    errors.push(invalid(path, text, `compilation failed: ${error.message}`));
  }
}
