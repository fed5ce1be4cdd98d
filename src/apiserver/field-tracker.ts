/** `metadata.managedFields` of creates, updates and patches. Source: KEP-555. */
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import { formatTime } from '../clock/clock.ts';
import { type OtherVersions, trackUpdate, withoutIdleTimes } from '../machinery/apply/field-manager.ts';
import { type FieldSet, fieldSet } from '../machinery/apply/field-set.ts';
import { fieldElement } from '../machinery/apply/path-element.ts';
import { type ApiObject, groupVersion, parseGroupVersion } from '../machinery/object.ts';
import type { ApiRequest } from './api-request.ts';
import type { WriteRequest } from './resource-store.ts';

/** Records what the manager's write has changed between `live` and the draft. */
export function fieldTracker(request: ApiRequest, manager: string): WriteRequest['trackFields'] {
  const { served, subresource, now } = request;
  const write = trackedWrite(served.type, served.version, subresource, now);
  return (draft, live) => {
    keepManagedFields(draft, trackUpdate({ ...write, manager, live, updated: draft }));
    if (live !== undefined) keepManagedFields(draft, withoutIdleTimes(draft, live));
  };
}

export function keepManagedFields(draft: ApiObject, entries: ApiObject['metadata']['managedFields']): void {
  if (entries === undefined || entries.length === 0) delete draft.metadata.managedFields;
  else draft.metadata.managedFields = entries;
}

const statusFields: FieldSet = fieldSet([fieldElement('status')]);

/** What tracking must know of a write besides its objects and its manager. */
export function trackedWrite(type: ResourceType, version: ResourceVersion, subresource: string, now: number) {
  const others = otherVersions(type);
  return {
    apiVersion: groupVersion(type.group, version.name),
    time: formatTime(now),
    schema: version.schema,
    ...(subresource === '' ? {} : { subresource }),
    ...(others === undefined ? {} : { versions: others }),
    ...(version.status && subresource === '' ? { resetFields: statusFields } : {}),
  };
}

const versionsOfType = new WeakMap<ResourceType, OtherVersions>();

/**
 * `undefined` for resources with one version. Field sets of other versions are compared by their own schema; where only a
 * webhook could convert the object, the fields are taken to have the same names.
 */
function otherVersions(type: ResourceType): OtherVersions | undefined {
  if (type.versions.length === 1) return undefined;
  let versions = versionsOfType.get(type);
  if (versions === undefined) {
    versions = {
      schema: (apiVersion) => {
        const { group, version } = parseGroupVersion(apiVersion);
        return group === type.group ? type.versions.find(({ name }) => name === version)?.schema : undefined;
      },
      convert: (object, apiVersion) => ({ ...object, apiVersion }),
    };
    versionsOfType.set(type, versions);
  }
  return versions;
}
