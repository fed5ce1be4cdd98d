/** Objects between the versions of their resource, and its stored form. With no converter only `apiVersion` differs (the `None` strategy). */
import type { ResourceType } from '../apis/resource-type.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';

/** Answers `object` itself when it is in `version` already; never changes it. */
export async function convertObject(type: ResourceType, object: ApiObject, version: string): Promise<ApiObject> {
  const [converted] = await convertObjects(type, [object], version);
  if (converted === undefined) throw new Error(`conversion of ${type.names.kind} to ${version} answered nothing`);
  return converted;
}

/** What `apiVersion` stored objects have. */
export function storedApiVersion(type: ResourceType): string {
  return groupVersion(type.storedAs?.group ?? type.group, type.storageVersion);
}

/** Never changes `object`, which may be in any version. */
export async function storedForm(type: ResourceType, object: ApiObject): Promise<ApiObject> {
  return type.storedAs === undefined
    ? await convertObject(type, object, type.storageVersion)
    : type.storedAs.toStored(object);
}

/** The same for many, in one call of the converter. */
export async function convertObjects(
  type: ResourceType,
  objects: readonly ApiObject[],
  version: string,
): Promise<readonly ApiObject[]> {
  const apiVersion = groupVersion(type.group, version);
  if (objects.every((object) => object.apiVersion === apiVersion)) return objects;
  if (type.convert !== undefined) return await type.convert(objects, version);
  return objects.map((object) => (object.apiVersion === apiVersion ? object : { ...object, apiVersion }));
}
