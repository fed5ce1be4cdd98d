import type * as k8s from '@kubernetes/client-node';
import { duplicate, type FieldError, FieldPath, forbidden, invalid, required } from '../../machinery/field.ts';
import { isQualifiedName } from '../../machinery/names.ts';
import { Quantity } from '../../machinery/quantity.ts';
import { builtinType } from '../builtin.ts';
import { column, nameColumn } from '../columns.ts';
import type { LimitRange, Wire } from '../types.ts';
import { checkAll } from './field-rules.ts';

type Item = Wire<k8s.V1LimitRangeItem>;
type Quantities = Readonly<Record<string, string>>;

export const limitRangeType = builtinType<LimitRange>({
  group: '',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  columns: [
    nameColumn,
    column<LimitRange>('Created At', 'date', ({ metadata }) => metadata.creationTimestamp ?? null, {
      describedBy: ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'creationTimestamp'],
    }),
  ],
  strategy: {
    default({ spec }) {
      for (const item of spec?.limits ?? []) if (item.type === 'Container') defaultItem(item);
    },
    validate,
    validateUpdate: validate,
  },
});

/** A container's default is its maximum, its default request the default, or else the minimum. */
function defaultItem(item: Item): void {
  const limit: Record<string, string> = { ...item.max, ..._default(item) };
  const request: Record<string, string> = { ...item.min, ...limit, ...item.defaultRequest };
  if (Object.keys(limit).length > 0) setDefault(item, limit);
  if (Object.keys(request).length > 0) item.defaultRequest = request;
}

/** client-node calls the field `_default`; JSON does not. */
const _default = (item: Item): Quantities => (item as unknown as { default?: Quantities }).default ?? {};
function setDefault(item: Item, value: Quantities): void {
  (item as unknown as { default: Quantities }).default = value;
}

/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateLimitRange. */
function validate({ spec }: LimitRange): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, item] of (spec?.limits ?? []).entries()) {
    const path = FieldPath.of('spec', 'limits').index(i);
    checkAll(isQualifiedName(item.type), path.child('type'), item.type, errors);
    if (seen.has(item.type)) errors.push(duplicate(path.child('type'), item.type));
    seen.add(item.type);
    validateItem(item, path, errors);
  }
  return errors;
}

function validateItem(item: Item, path: FieldPath, errors: FieldError[]): void {
  const { type, min = {}, max = {}, defaultRequest = {}, maxLimitRequestRatio = {} } = item;
  const limit = _default(item);
  if (type === 'Pod') {
    const why = "may not be specified when `type` is 'Pod'";
    if (Object.keys(limit).length > 0) errors.push(forbidden(path.child('default'), why));
    if (Object.keys(defaultRequest).length > 0) errors.push(forbidden(path.child('defaultRequest'), why));
  }
  if (type === 'PersistentVolumeClaim' && min.storage === undefined && max.storage === undefined) {
    errors.push(
      required(path.child('limits'), 'either minimum or maximum storage value is required, but neither was provided'),
    );
  }
  const names = new Set([min, max, limit, defaultRequest, maxLimitRequestRatio].flatMap((map) => Object.keys(map)));
  for (const name of names) {
    const above = (low: string | undefined, high: string | undefined): boolean =>
      low !== undefined && high !== undefined && Quantity.parse(low).compare(Quantity.parse(high)) > 0;
    const refuse = (field: string, value: string, why: string): void => {
      errors.push(invalid(path.child(field).key(name), value, why));
    };
    if (above(min[name], max[name]))
      refuse('min', min[name]!, `min value ${min[name]} is greater than max value ${max[name]}`);
    if (above(min[name], defaultRequest[name])) {
      refuse(
        'defaultRequest',
        defaultRequest[name]!,
        `min value ${min[name]} is greater than default request value ${defaultRequest[name]}`,
      );
    }
    if (above(defaultRequest[name], max[name])) {
      refuse(
        'defaultRequest',
        defaultRequest[name]!,
        `default request value ${defaultRequest[name]} is greater than max value ${max[name]}`,
      );
    }
    if (above(defaultRequest[name], limit[name])) {
      refuse(
        'defaultRequest',
        defaultRequest[name]!,
        `default request value ${defaultRequest[name]} is greater than default limit value ${limit[name]}`,
      );
    }
    if (above(min[name], limit[name]))
      refuse('default', limit[name]!, `min value ${min[name]} is greater than default value ${limit[name]}`);
    if (above(limit[name], max[name]))
      refuse('default', limit[name]!, `default value ${limit[name]} is greater than max value ${max[name]}`);
    const ratio = maxLimitRequestRatio[name];
    if (ratio !== undefined && Quantity.parse(ratio).compare(Quantity.of(1)) < 0)
      refuse('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`);
    if (ratio !== undefined && min[name] !== undefined && max[name] !== undefined) {
      const most = Quantity.parse(max[name]!).toNumber() / Quantity.parse(min[name]!).toNumber();
      if (Quantity.parse(ratio).toNumber() > most) {
        refuse('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`);
      }
    }
  }
}
