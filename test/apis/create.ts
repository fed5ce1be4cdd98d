/** Takes an object through what a create does to it, as far as the built-in kinds have a say. */
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import type { RequestContext, ResourceType, ResourceVersion } from '../../src/apis/resource-type.ts';
import { errorText } from '../../src/machinery/field.ts';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { compileSchema } from '../../src/schema/compile.ts';

export const context: RequestContext = {
  now: Date.parse('2026-01-31T09:30:00Z'),
  user: { name: 'tester', groups: [] },
  dryRun: false,
  authorizer: alwaysAllow,
};

export const uid = '6ccdd4fa-e729-4241-8413-c57064d04f03';

function versionOf(type: ResourceType, object: ApiObject): ResourceVersion {
  const name = object.apiVersion.slice(object.apiVersion.indexOf('/') + 1);
  return type.versions.find((version) => version.name === name)!;
}

/** Prunes and defaults a copy of an object. */
export function defaulted<T>(type: ResourceType, object: object): T {
  const draft = structuredClone(object) as ApiObject;
  compileSchema(versionOf(type, draft).schema).prune(draft as unknown as JsonObject);
  type.strategy.default?.(draft);
  return draft as T;
}

/** What a create would store. */
export function created<T>(type: ResourceType, object: object): T {
  const draft = defaulted<ApiObject>(type, object);
  draft.metadata.uid ??= uid;
  type.strategy.prepareForCreate?.(draft, context);
  return draft as T;
}

/** What a create would answer: the texts of the errors. */
export function createErrors(type: ResourceType, object: object): string[] {
  return (type.strategy.validate?.(created<ApiObject>(type, object), context) ?? []).map(errorText);
}

/** What an update would answer. `change` alters a copy of what was created from `object`. */
export function updateErrors<T>(type: ResourceType, object: object, change: (draft: T) => void): string[] {
  const old = created<ApiObject>(type, object);
  const draft = structuredClone(old);
  change(draft as T);
  type.strategy.default?.(draft);
  type.strategy.prepareForUpdate?.(draft, old, context);
  return (type.strategy.validateUpdate?.(draft, old, context) ?? []).map(errorText);
}

/** What an update of a subresource makes of an object and answers. `change` alters a copy of `old`. */
export function subresourceUpdate<T>(
  type: ResourceType,
  name: string,
  old: T,
  change: (draft: T) => void,
): { object: T; errors: string[] } {
  const { prepareForUpdate, validateUpdate } = type.objectSubresources![name]!;
  const draft = structuredClone(old);
  change(draft);
  type.strategy.default?.(draft as ApiObject);
  prepareForUpdate(draft as ApiObject, old as ApiObject, context);
  const errors = validateUpdate?.(draft as ApiObject, old as ApiObject, context) ?? [];
  return { object: draft, errors: errors.map(errorText) };
}

export function warningsOf(type: ResourceType, object: object): string[] {
  return type.strategy.warnings?.(created<ApiObject>(type, object), undefined, context) ?? [];
}
