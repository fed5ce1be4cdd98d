/**
 * The expressions of webhooks and policies: what they may name, and whether they compile. Admission evaluates them with the
 * same environments, whose variables come in the order of {@link admissionVariables}.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/cel` (compile.go, composition.go).
 */
import {
  authorizerType,
  boolType,
  CompileError,
  dynType,
  type Environment,
  intType,
  kubernetesEnvironment,
  kubernetesLibraries,
  listOf,
  mapOf,
  mutationLibrary,
  objectType,
  type Program,
  resourceCheckType,
  stringType,
  type Type,
  timestampType,
} from '../../cel/index.ts';
import { type FieldError, type FieldPath, invalid, required } from '../../machinery/field.ts';

export interface ExpressionScope {
  /** Whether there are parameters to name. */
  readonly params?: boolean;
  /** Whether authorization can be asked about; default: yes. */
  readonly authorizer?: boolean;
  /** Whether `Object{}` and `JSONPatch{}` can be constructed. */
  readonly patchTypes?: boolean;
  /** The variables that the policy has defined so far, by name. `undefined`: it defines none. */
  readonly variables?: ReadonlyMap<string, Type>;
}

/** In this order, with what the scope does not have left out. */
export const admissionVariables = [
  'object',
  'oldObject',
  'request',
  'namespaceObject',
  'params',
  'authorizer',
  'authorizer.requestResource',
  'variables',
] as const;

const fields = (table: Readonly<Record<string, Type>>): ReadonlyMap<string, Type> => new Map(Object.entries(table));
const strings = listOf(stringType);
const stringMap = mapOf(stringType, stringType);

const kindType = objectType(
  'kubernetes.GroupVersionKind',
  fields({ group: stringType, version: stringType, kind: stringType }),
);
const resourceType = objectType(
  'kubernetes.GroupVersionResource',
  fields({ group: stringType, version: stringType, resource: stringType }),
);
const userInfoType = objectType(
  'kubernetes.UserInfo',
  fields({ username: stringType, uid: stringType, groups: strings, extra: mapOf(stringType, strings) }),
);

export const requestType = objectType(
  'kubernetes.AdmissionRequest',
  fields({
    kind: kindType,
    resource: resourceType,
    subResource: stringType,
    requestKind: kindType,
    requestResource: resourceType,
    requestSubResource: stringType,
    name: stringType,
    namespace: stringType,
    operation: stringType,
    userInfo: userInfoType,
    dryRun: boolType,
    options: dynType,
  }),
);

export const namespaceType = objectType(
  'kubernetes.Namespace',
  fields({
    metadata: objectType(
      'kubernetes.NamespaceMetadata',
      fields({
        name: stringType,
        generateName: stringType,
        namespace: stringType,
        labels: stringMap,
        annotations: stringMap,
        UID: stringType,
        creationTimestamp: timestampType,
        deletionGracePeriodSeconds: intType,
        deletionTimestamp: timestampType,
        generation: intType,
        resourceVersion: stringType,
        finalizers: strings,
      }),
    ),
    spec: objectType('kubernetes.NamespaceSpec', fields({ finalizers: strings })),
    status: objectType(
      'kubernetes.NamespaceStatus',
      fields({
        conditions: listOf(
          objectType(
            'kubernetes.NamespaceCondition',
            fields({
              status: stringType,
              type: stringType,
              lastTransitionTime: timestampType,
              message: stringType,
              reason: stringType,
            }),
          ),
        ),
        phase: stringType,
      }),
    ),
  }),
);

const patchEnvironment = kubernetesEnvironment.extend({ libraries: [...kubernetesLibraries, mutationLibrary] });
const environments = new Map<string, Environment>();

/** Types of objects are dyn; `types` are for checks beyond compilation. */
export function admissionEnvironment(
  scope: ExpressionScope,
  types: { readonly object?: Type; readonly params?: Type } = {},
): Environment {
  const { params = false, authorizer = true, patchTypes = false, variables } = scope;
  const declare = (): Environment =>
    (patchTypes ? patchEnvironment : kubernetesEnvironment).extend({
      variables: {
        object: types.object ?? dynType,
        oldObject: types.object ?? dynType,
        request: requestType,
        namespaceObject: namespaceType,
        ...(params ? { params: types.params ?? dynType } : {}),
        ...(authorizer ? { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType } : {}),
      },
    });
  let base: Environment | undefined;
  if (types.object !== undefined || types.params !== undefined) base = declare();
  else {
    const key = `${params} ${authorizer} ${patchTypes}`;
    base = environments.get(key);
    if (base === undefined) {
      base = declare();
      environments.set(key, base);
    }
  }
  if (variables === undefined) return base;
  const composed = objectType('kubernetes.variables', variables);
  return base.extend({ variables: { ...base.options.variables, variables: composed } });
}

/** The program of an expression, or why there is none, in Kubernetes' words. `results`: the types that it may have. */
export function compileExpression(
  text: string,
  environment: Environment,
  results?: readonly string[],
): Program | string {
  try {
    const program = environment.compile(text);
    const name = typeText(program.type);
    if (results !== undefined && !results.includes(name)) {
      const expected = results.length === 1 ? results[0] : `one of [${results.join(' ')}]`;
      return `must evaluate to ${expected} but got ${name}`;
    }
    if (program.problem !== undefined) return `program instantiation failed: ${program.problem.message}`;
    return program;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return `compilation failed: ${error.message}`;
  }
}

/** A type as cel-go prints it where Kubernetes prints one. */
function typeText(type: Type): string {
  if (type.nullable === true) return `wrapper(${type.name})`;
  return type.params.length === 0 ? type.name : `${type.name}(${type.params.map(typeText).join(', ')})`;
}

/** Answers the type of the expression, dyn when it does not compile. */
export function checkExpression(
  text: string,
  scope: ExpressionScope,
  results: readonly string[] | undefined,
  path: FieldPath,
  errors: FieldError[],
): Type {
  if (text.trim() === '') {
    errors.push(required(path));
    return dynType;
  }
  const compiled = compileExpression(text, admissionEnvironment(scope), results);
  if (typeof compiled !== 'string') return compiled.type;
  errors.push(invalid(path, text, compiled));
  return dynType;
}
