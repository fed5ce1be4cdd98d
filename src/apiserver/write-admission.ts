/** What admission is shown of a write. */
import type { AdmissionRequest, Operation } from '../admission/chain.ts';
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import type { JsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import { applyDefaults, shapeObject } from './decode.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { WriteRequest } from './store-write.ts';

export function admissionRequest(
  writer: ObjectWriter,
  operation: Operation,
  object: ApiObject | undefined,
  oldObject: ApiObject | undefined,
  request: WriteRequest,
): AdmissionRequest {
  const type = writer.type;
  const { group, names } = type;
  const { version, form } = request;
  return {
    operation,
    group,
    version: version.name,
    resource: names.plural,
    kind: form?.kind ?? names.kind,
    apiVersion: form?.apiVersion ?? groupVersion(group, version.name),
    type,
    options: request.options,
    conform: form === undefined ? conformTo(type, version) : asItIs,
    subresource: request.subresource,
    namespace: type.scope === 'Namespaced' ? request.namespace : undefined,
    name: request.name === '' ? (object?.metadata.name ?? '') : request.name,
    object,
    oldObject,
    context: request.context,
    warn: request.warn,
    access: writer.access,
  };
}

const asItIs = (): void => undefined;

const conforming = new WeakMap<ResourceVersion, { type: ResourceType; conform: (draft: ApiObject) => void }>();

/** What brings a draft back into shape that admission has changed. Made once for each version. */
function conformTo(type: ResourceType, version: ResourceVersion): (draft: ApiObject) => void {
  let known = conforming.get(version);
  if (known?.type !== type) {
    const conform = (draft: ApiObject): void => {
      shapeObject(draft as unknown as JsonObject, type, version);
      applyDefaults(draft, type, version);
    };
    known = { type, conform };
    conforming.set(version, known);
  }
  return known.conform;
}
