import { type FieldError, FieldPath, invalid, required } from '../../machinery/field.ts';
import { validateStrictIp } from '../../machinery/ip.ts';
import { isDns1123Subdomain, isPathSegmentName } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll, checkImmutable } from '../core/field-rules.ts';
import type { SelectableField } from '../resource-type.ts';
import type { IPAddress } from '../types.ts';

const path = FieldPath.of('spec', 'parentRef');

const field = (name: string, value: (address: IPAddress) => string | undefined): SelectableField => ({
  name,
  value: (object) => value(object as IPAddress) ?? '',
});

/** An address that somebody holds; its name is the address in canonical form. */
export const ipAddressType = builtinType<IPAddress>({
  group: 'networking.k8s.io',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<IPAddress>('ParentRef', 'string', parentText, {
      describedBy: ['io.k8s.api.networking.v1.IPAddressSpec', 'parentRef'],
    }),
    ageColumn,
  ],
  selectableFields: [
    field('spec.parentRef.group', ({ spec }) => spec?.parentRef?.group),
    field('spec.parentRef.resource', ({ spec }) => spec?.parentRef?.resource),
  ],
  strategy: {
    validateName: (name) => validateStrictIp(FieldPath.of(), name).map(({ detail }) => detail),
    validate,
    validateUpdate(object, old) {
      const errors: FieldError[] = [];
      checkImmutable(object.spec?.parentRef, old.spec?.parentRef, path, errors);
      return errors;
    },
  },
});

/** `<resource>.<group>/<namespace>/<name>`. */
function parentText({ spec }: IPAddress): string {
  const parent = spec?.parentRef;
  if (parent === undefined || parent === null) return '<none>';
  const { group = '', resource, namespace = '', name } = parent;
  return `${group === '' ? resource : `${resource}.${group}`}/${namespace === '' ? name : `${namespace}/${name}`}`;
}

/** Source: Kubernetes `pkg/apis/networking/validation/validation.go`, ValidateIPAddress. */
function validate({ spec }: IPAddress): FieldError[] {
  const parent = spec?.parentRef;
  if (parent === undefined || parent === null) return [required(path)];
  const errors: FieldError[] = [];
  const { group = '', resource = '', namespace = '', name = '' } = parent;
  if (group !== '') checkAll(isDns1123Subdomain(group), path.child('group'), group, errors);
  checkSegment('resource', resource, errors);
  checkSegment('name', name, errors);
  if (namespace !== '') checkSegment('namespace', namespace, errors);
  return errors;
}

function checkSegment(field: string, value: string, errors: FieldError[]): void {
  if (value === '') errors.push(required(path.child(field)));
  else for (const problem of isPathSegmentName(value)) errors.push(invalid(path.child(field), value, problem));
}
