/** The answer to an apply that would change what others own, in Kubernetes' words. */
import { goQuote } from '../go-text.ts';
import { StatusError } from '../status.ts';
import { type ManagerInfo, managerInfo } from './managed-fields.ts';
import { pathText } from './path-element.ts';
import type { Conflict } from './updater.ts';

/** A 409 with one cause of type FieldManagerConflict for each field. */
export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${nameOf(managerInfo(manager))}`,
    field: pathText(path),
  }));
  return new StatusError(409, 'Conflict', message(conflicts), { causes });
}

function message(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${nameOf(managerInfo(first.manager))}: ${pathText(first.path)}`;
  }
  const lines: string[] = [];
  let manager: string | undefined;
  for (const conflict of conflicts) {
    if (conflict.manager !== manager) {
      manager = conflict.manager;
      lines.push(`conflicts with ${nameOf(managerInfo(manager))}:`);
    }
    lines.push(`- ${pathText(conflict.path)}`);
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function nameOf({ manager, operation, apiVersion, subresource }: ManagerInfo): string {
  const name = goQuote(manager) + (subresource === undefined ? '' : ` with subresource ${goQuote(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
