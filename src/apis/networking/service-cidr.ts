import { type FieldError, FieldPath, invalid, required } from '../../machinery/field.ts';
import { parseCidr, validateStrictCidr } from '../../machinery/ip.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkImmutable } from '../core/field-rules.ts';
import type { ServiceCIDR } from '../types.ts';

const path = FieldPath.of('spec', 'cidrs');

/** A range that Services get their addresses from. */
export const serviceCIDRType = builtinType<ServiceCIDR>({
  group: 'networking.k8s.io',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  scope: 'Cluster',
  status: true,
  columns: [
    nameColumn,
    column<ServiceCIDR>('CIDRs', 'string', ({ spec }) => (spec?.cidrs ?? []).join(','), {
      describedBy: ['io.k8s.api.networking.v1.ServiceCIDRSpec', 'cidrs'],
    }),
    ageColumn,
  ],
  strategy: {
    prepareForCreate(draft) {
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    validate,
    validateUpdate(object, old) {
      const errors: FieldError[] = [];
      checkImmutable(object.spec?.cidrs, old.spec?.cidrs, path, errors);
      return errors;
    },
  },
});

/** Source: Kubernetes `pkg/apis/networking/validation/validation.go`, ValidateServiceCIDR. */
function validate({ spec = {} }: ServiceCIDR): FieldError[] {
  const cidrs = spec.cidrs ?? [];
  if (cidrs.length === 0) return [required(path, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid(path, spec, 'may only hold up to 2 values')];
  if (cidrs.length === 2) {
    const families = cidrs.map((cidr) => parseCidr(cidr)?.address.length);
    if (families.includes(undefined) || families[0] === families[1]) {
      const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
      return [invalid(path, spec, why)];
    }
  }
  return cidrs.flatMap((cidr, i) => validateStrictCidr(path.index(i), cidr));
}
