/** CEL's own conformance suite (cel-spec), without the parts that need protocol buffers. */
import assert from 'node:assert/strict';
import type { Type as TypeMessage } from '@bufbuild/cel-spec/cel/expr/checked_pb.js';
import { Type_PrimitiveType, Type_WellKnownType } from '@bufbuild/cel-spec/cel/expr/checked_pb.js';
import type { Value as ValueMessage } from '@bufbuild/cel-spec/cel/expr/value_pb.js';
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { equal, typeName } from '../../src/cel/equality.ts';
import {
  bindingsLibrary,
  CelError,
  CompileError,
  Double,
  dynType,
  EntryMap,
  Environment,
  type FunctionDeclaration,
  formatType,
  kubernetesLibraries,
  ListValue,
  latestStringsLibrary,
  MapValue,
  stringsLibrary,
  type Type,
  TypeValue,
  Uint,
  type Value,
} from '../../src/cel/index.ts';
import { normalInt } from '../../src/cel/literals.ts';
import * as types from '../../src/cel/types.ts';

const sections = new Set(
  (
    'basic bindings_ext comparisons conversions fields fp_math integer_math lists logic macros macros2 namespace ' +
    'optionals parse plumbing string string_ext timestamps type_deductions'
  ).split(' '),
);

/** Where cel-go, and so Kubernetes, answers differently (cel-go `conformance/BUILD.bazel`). */
const deviations = new Set([
  'map_key_float',
  'map_key_null',
  'map_value_repeat_key',
  'map_value_repeat_key_heterogeneous',
  'get_milliseconds',
  'map_optional_select_has',
  'indexof_out_of_range',
  'lastindexof_out_of_range',
  'wrapper_promotion_2',
  'null_assignable_to_message_parameter_candidate',
  'null_assignable_to_duration_parameter_candidate',
  'null_assignable_to_timestamp_parameter_candidate',
  'null_assignable_to_abstract_parameter_candidate',
]);

const libraries = [
  ...kubernetesLibraries.filter((library) => library !== stringsLibrary),
  latestStringsLibrary,
  bindingsLibrary,
];

/** Thrown for what needs protocol buffers. */
class NeedsMessages extends Error {}

function toValue(message: ValueMessage | undefined): Value {
  const kind = message?.kind;
  switch (kind?.case) {
    case 'nullValue':
      return null;
    case 'boolValue':
    case 'stringValue':
    case 'bytesValue':
      return kind.value;
    case 'int64Value':
      return normalInt(kind.value);
    case 'uint64Value':
      return new Uint(normalInt(kind.value));
    case 'doubleValue':
      return new Double(kind.value);
    case 'typeValue':
      return new TypeValue(kind.value);
    case 'listValue':
      return new ListValue(kind.value.values.map(toValue));
    case 'mapValue':
      return new EntryMap(kind.value.entries.map(({ key, value }) => [toValue(key), toValue(value)]));
    default:
      throw new NeedsMessages();
  }
}

const primitives: Partial<Record<Type_PrimitiveType, Type>> = {
  [Type_PrimitiveType.BOOL]: types.boolType,
  [Type_PrimitiveType.INT64]: types.intType,
  [Type_PrimitiveType.UINT64]: types.uintType,
  [Type_PrimitiveType.DOUBLE]: types.doubleType,
  [Type_PrimitiveType.STRING]: types.stringType,
  [Type_PrimitiveType.BYTES]: types.bytesType,
};

function toType(message: TypeMessage | undefined): Type {
  const kind = message?.typeKind;
  switch (kind?.case) {
    case 'dyn':
      return dynType;
    case 'null':
      return types.nullType;
    case 'error':
      return types.errorType;
    case 'primitive':
      return primitives[kind.value] as Type;
    case 'wrapper':
      return types.wrapperOf(primitives[kind.value] as Type);
    case 'wellKnown':
      if (kind.value === Type_WellKnownType.ANY) return types.anyType;
      return kind.value === Type_WellKnownType.TIMESTAMP ? types.timestampType : types.durationType;
    case 'listType':
      return types.listOf(toType(kind.value.elemType));
    case 'mapType':
      return types.mapOf(toType(kind.value.keyType), toType(kind.value.valueType));
    case 'typeParam':
      return types.paramType(kind.value);
    case 'type':
      return types.typeOf(...(kind.value.typeKind.case === undefined ? [] : [toType(kind.value)]));
    case 'abstractType':
      return types.opaque(kind.value.name, ...kind.value.parameterTypes.map(toType));
    default:
      throw new NeedsMessages();
  }
}

/** Equality in which NaN equals itself and types count. */
function identical(a: Value, b: Value): boolean {
  if (a instanceof Double && b instanceof Double && Number.isNaN(a.value)) return Number.isNaN(b.value);
  if (typeName(a) !== typeName(b)) return false;
  if (a instanceof ListValue && b instanceof ListValue) {
    return a.length === b.length && [...a].every((element, i) => identical(element, b.at(i)));
  }
  if (a instanceof MapValue && b instanceof MapValue) {
    return (
      a.size === b.size && [...a.keys()].every((key) => identical(a.get(key) as Value, b.get(key) ?? new CelError('')))
    );
  }
  return equal(a, b);
}

function environmentOf({ original }: IncrementalTest): Environment {
  const variables: Record<string, Type> = {};
  const functions: FunctionDeclaration[] = [];
  for (const { name, declKind } of original.typeEnv) {
    if (declKind.case === 'ident') variables[name] = toType(declKind.value.type);
    else if (declKind.case === 'function') {
      functions.push({
        name,
        overloads: declKind.value.overloads.map((overload) => ({
          id: overload.overloadId,
          member: overload.isInstanceFunction,
          params: overload.params.map(toType),
          result: toType(overload.resultType),
          typeParams: overload.typeParams,
          implementation: undefined,
        })),
      });
    }
  }
  for (const name of Object.keys(original.bindings)) variables[name] ??= dynType;
  return new Environment({
    variables,
    libraries: [...(original.disableMacros ? [] : libraries), { functions }],
    container: original.container,
  });
}

function run(test: IncrementalTest): void {
  const { original } = test;
  const { resultMatcher } = original;
  const expectsError = resultMatcher.case === 'evalError' || resultMatcher.case === 'anyEvalErrors';
  const environment = environmentOf(test);
  const bindings = Object.fromEntries(
    Object.entries(original.bindings).map(([name, { kind }]) => [
      name,
      kind.case === 'value' ? toValue(kind.value) : new CelError('bound to an error'),
    ]),
  );
  const typed = resultMatcher.case === 'typedResult' ? resultMatcher.value : undefined;
  const expected =
    resultMatcher.case === 'value'
      ? toValue(resultMatcher.value)
      : typed?.result === undefined
        ? true
        : toValue(typed.result);
  const deduced = typed?.deducedType === undefined ? undefined : toType(typed.deducedType);
  let value: Value;
  try {
    const program = original.disableCheck
      ? environment.compileUnchecked(original.expr)
      : environment.compile(original.expr);
    if (deduced !== undefined) assert.equal(formatType(program.type), formatType(deduced));
    if (original.checkOnly || (typed !== undefined && typed.result === undefined)) return;
    value = program.evaluate(bindings);
  } catch (error) {
    if (expectsError && error instanceof CompileError) return;
    throw error;
  }
  if (expectsError) assert.ok(value instanceof CelError, `${original.expr} has a value`);
  else {
    assert.ok(!(value instanceof CelError), value instanceof CelError ? value.message : '');
    assert.ok(identical(value, expected), `${original.expr} is ${String(value)}`);
  }
}

function testsOf(suite: IncrementalTestSuite): IncrementalTest[] {
  return [...suite.tests, ...suite.suites.flatMap(testsOf)];
}

describe('CEL conformance', () => {
  const totals: string[] = [];
  after(() =>
    console.log(
      `  passed of each section's tests, the rest needs protocol buffers or is cel-go's own skip:\n${totals.join('\n')}`,
    ),
  );

  for (const suite of getConformanceSuite().suites.filter(({ name }) => sections.has(name))) {
    it(suite.name, () => {
      let passed = 0;
      const tests = testsOf(suite);
      for (const test of tests) {
        if (deviations.has(test.name) || test.original.resultMatcher.case === 'unknown') continue;
        try {
          run(test);
          passed++;
        } catch (error) {
          if (error instanceof NeedsMessages || /protobuf|TestAllTypes/.test(JSON.stringify(test.checkedAst ?? '')))
            continue;
          if (/TestAllTypes|google\.protobuf\.\w+Value|NestedMessage/.test(test.original.expr)) continue;
          assert.fail(`${test.name}: ${test.original.expr}: ${error instanceof Error ? error.message : error}`);
        }
      }
      assert.ok(passed > 0);
      totals.push(`  ${suite.name.padEnd(18)} ${passed}/${tests.length}`);
    });
  }
});
