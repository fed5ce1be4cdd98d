/**
 * The columns of a custom resource: name, what the definition adds, and the age when it adds nothing.
 * Source: apiextensions-apiserver `pkg/registry/customresource/tableconvertor`.
 */
import { age, nameColumn } from '../apis/columns.ts';
import type { Cell, Column } from '../apis/resource-type.ts';
import type { JsonValue } from '../machinery/json.ts';
import { compileJsonPath, type JsonPath, JsonPathError, printJsonPathValue } from '../machinery/jsonpath.ts';
import type { ApiObject } from '../machinery/object.ts';
import { isTime } from '../machinery/time.ts';
import { isNumber } from '../schema/number.ts';
import type { CustomResourceColumnDefinition } from './types.ts';

const ageDefinition: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
};

export function columnsOf(definitions: readonly CustomResourceColumnDefinition[] | undefined): readonly Column[] {
  const added = definitions === undefined || definitions.length === 0 ? [ageDefinition] : definitions;
  return [nameColumn, ...added.map(columnOf)];
}

function columnOf(definition: CustomResourceColumnDefinition): Column {
  const { name, type, format, description, priority, jsonPath } = definition;
  return {
    name,
    type: type as Column['type'],
    ...(format === undefined ? {} : { format }),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: priority ?? 0,
    cell: (object, now) => cellOf(type, firstResult(object, pathOf(jsonPath)), now),
  };
}

const paths = new Map<string, JsonPath | undefined>();

/** Compiled when a table is first made; `undefined` for a path that cannot be read, whose cells stay empty. */
function pathOf(text: string): JsonPath | undefined {
  if (!paths.has(text))
    paths.set(
      text,
      orNothing(() => compileJsonPath(text)),
    );
  return paths.get(text);
}

function firstResult(object: ApiObject, path: JsonPath | undefined): JsonValue | undefined {
  return orNothing(() => path?.find(object as unknown as JsonValue)[0]);
}

function orNothing<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof JsonPathError) return undefined;
    throw error;
  }
}

function cellOf(type: string, value: JsonValue | undefined, now: number): Cell {
  if (value === undefined) return null;
  switch (type) {
    case 'string':
      return printJsonPathValue(value);
    case 'integer':
      return isNumber(value) ? Math.trunc(Number(value)) : null;
    case 'number':
      return isNumber(value) ? Number(value) : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return isTime(value) ? age(value, now) : '<invalid>';
    default:
      return null;
  }
}
