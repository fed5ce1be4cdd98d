/** Which objects a list or a watch is about: a range of keys and what selectors leave of it. */
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import type { FieldSelector } from '../machinery/field-selector.ts';
import type { LabelSelector } from '../machinery/label-selector.ts';
import { badRequest } from '../machinery/status.ts';
import type { CacheEntry } from './cache-entry.ts';
import { namespacePrefix, objectKey } from './keys.ts';

export interface Selection {
  /** All keys start with it. */
  readonly prefix: string;
  /** The only key, when the selection names one object. */
  readonly key: string | undefined;
  readonly all: boolean;
  matches(entry: CacheEntry): boolean;
  /** Equal for selections that select the same: watchers of one selection share what is encoded. */
  readonly id: string;
}

export function select(
  type: ResourceType,
  version: ResourceVersion,
  namespace: string | undefined,
  labels: LabelSelector,
  fields: FieldSelector,
): Selection {
  checkFields(type, version, fields);
  const exactNamespace = fields.exactValue('metadata.namespace');
  const scope = namespace ?? (type.scope === 'Namespaced' ? exactNamespace : undefined);
  const prefix = namespacePrefix(type, scope);
  const name = fields.exactValue('metadata.name');
  const key =
    name !== undefined && (type.scope === 'Cluster' || scope !== undefined) ? objectKey(type, scope, name) : undefined;
  const all = labels.empty && fields.empty;
  const id = all ? prefix : `${prefix}?${labels}&${fields}`;
  return { prefix, key, all, id, matches: matcher(type, version, prefix, labels, fields) };
}

function matcher(
  type: ResourceType,
  version: ResourceVersion,
  prefix: string,
  labels: LabelSelector,
  fields: FieldSelector,
): (entry: CacheEntry) => boolean {
  const requirements = fields.requirements.map(({ field, operator, value }) => ({
    wanted: operator === '=',
    value,
    read: reader(type, version, field),
  }));
  const anyLabels = labels.empty;
  return (entry) => {
    if (!entry.key.startsWith(prefix)) return false;
    if (!anyLabels && !labels.matches(entry.labels)) return false;
    for (const { wanted, value, read } of requirements) if ((read(entry) === value) !== wanted) return false;
    return true;
  };
}

function reader(type: ResourceType, version: ResourceVersion, field: string): (entry: CacheEntry) => string {
  if (field === 'metadata.name') return (entry) => entry.name;
  if (field === 'metadata.namespace') {
    const start = namespacePrefix(type, undefined).length;
    return (entry) => (type.scope === 'Cluster' ? '' : entry.key.slice(start, entry.key.indexOf('/', start)));
  }
  const { value } = version.selectableFields.find(({ name }) => name === field)!;
  return (entry) => entry.field(field, value);
}

function checkFields(type: ResourceType, version: ResourceVersion, fields: FieldSelector): void {
  for (const { field } of fields.requirements) {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && type.scope === 'Namespaced')) continue;
    if (version.selectableFields.some(({ name }) => name === field)) continue;
    throw badRequest(
      version.typeErrors === 'decoding' && version.selectableFields.length === 0
        ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
        : `field label not supported: ${field}`,
    );
  }
}
