import { duplicate, type FieldError, FieldPath } from '../../machinery/field.ts';
import { validateLabels } from '../../machinery/label-selector.ts';
import { isDns1123Label } from '../../machinery/names.ts';
import { validateImmutableField } from '../../machinery/object-meta.ts';
import { Quantity } from '../../machinery/quantity.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll, checkNonNegative } from '../core/field-rules.ts';
import { validateTolerations } from '../core/scheduling-validation.ts';
import type { RuntimeClass } from '../types.ts';

type Toleration = NonNullable<NonNullable<RuntimeClass['scheduling']>['tolerations']>[number];

export const runtimeClassType = builtinType<RuntimeClass>({
  group: 'node.k8s.io',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<RuntimeClass>('Handler', 'string', ({ handler }) => handler, {
      describedBy: ['io.k8s.api.node.v1.RuntimeClass', 'handler'],
    }),
    ageColumn,
  ],
  strategy: {
    validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...validateImmutableField(object.handler, old.handler, FieldPath.of('handler')),
    ],
  },
});

/** Source: Kubernetes `pkg/apis/node/validation/validation.go`, ValidateRuntimeClass. */
function validate({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const errors: FieldError[] = [];
  checkAll(isDns1123Label(handler), FieldPath.of('handler'), handler, errors);
  for (const [name, text] of Object.entries(overhead?.podFixed ?? {})) {
    const path = FieldPath.of('overhead', 'podFixed').key(name);
    if (Quantity.parse(text).sign < 0) checkNonNegative(-1, path, errors);
  }
  if (scheduling !== undefined) {
    errors.push(...validateLabels(scheduling.nodeSelector, FieldPath.of('scheduling', 'nodeSelector')));
    const path = FieldPath.of('scheduling', 'tolerations');
    const tolerations = scheduling.tolerations ?? [];
    validateTolerations(tolerations, path, errors);
    for (const [i, toleration] of tolerations.entries()) {
      if (tolerations.slice(0, i).some((other) => tolerateTheSame(other, toleration)))
        errors.push(duplicate(path.index(i), toleration));
    }
  }
  return errors;
}

/** What makes two tolerations one: everything except for how long they hold (`MatchToleration`). */
function tolerateTheSame(a: Toleration, b: Toleration): boolean {
  return a.key === b.key && a.effect === b.effect && a.operator === b.operator && a.value === b.value;
}
