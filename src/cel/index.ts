/**
 * `setpoint/cel`: the Common Expression Language as Kubernetes speaks it. Expressions are parsed, type-checked,
 * priced and evaluated with the answers, the words and the costs of kube-apiserver.
 */

export type { CostEstimate, SizeHints } from './cost.ts';
export { CompileError, Environment, type EnvironmentOptions, type Outcome, Program } from './environment.ts';
export {
  declare,
  type FunctionDeclaration,
  type Implementation,
  type Library,
  type Overload,
  type OverloadTable,
} from './functions.ts';
export { fromJson, toJson } from './json.ts';
export {
  kubernetesEnvironment,
  perCallLimit,
  runtimeCostBudget,
} from './kubernetes.ts';
export {
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  type Authorize,
  authorizerType,
  authorizerValue,
  resourceCheckType,
  resourceCheckValue,
  type ServiceAccount,
} from './library/authorizer.ts';
export { kubernetesLibraries } from './library/index.ts';
export { appliedObjectType, jsonPatchType, misnamedObjects, mutationLibrary } from './library/mutation.ts';
export { bindingsLibrary, optionalLibrary } from './library/optional.ts';
export { latestStringsLibrary, stringsLibrary } from './library/strings.ts';
export { macroTable } from './macros.ts';
export { type ParseResult, type ParserOptions, parse } from './parser.ts';
export {
  type CheckOptions,
  checkRules,
  type ExpressionCost,
  maxRuleCost,
  maxSchemaCost,
  type RuleReport,
} from './rule-checks.ts';
export { parseRuleFieldPath, type RuleFieldPath } from './rule-path.ts';
export { type DeclaredType, declaredType } from './schema-types.ts';
export { readerOf } from './schema-values.ts';
export { formatIssues, type SourceIssue } from './source.ts';
export {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  formatType,
  intType,
  listOf,
  mapOf,
  nullType,
  objectType,
  opaque,
  openObjectType,
  optionalOf,
  parseType,
  stringType,
  type Type,
  timestampType,
  typeOf,
  uintType,
} from './types.ts';
export {
  type CompiledRules,
  compileRules,
  type RuleOptions,
  type RuleResult,
  type ValidateOptions,
} from './validation.ts';
export {
  CelError,
  Double,
  Duration,
  EntryMap,
  ListValue,
  MapValue,
  ObjectValue,
  OpaqueValue,
  OptionalValue,
  StructValue,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from './values.ts';
