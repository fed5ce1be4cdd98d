/**
 * Priority: a pod's PriorityClass becomes the number that schedulers compare, and one class at most is everybody's default.
 * Source: Kubernetes `plugin/pkg/admission/priority`.
 */
import type { Pod, PriorityClass } from '../apis/types.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';

const classes = { group: 'scheduling.k8s.io', plural: 'priorityclasses' };

export const priority: AdmissionPlugin = {
  name: 'Priority',
  mutate(request) {
    const { group, resource, subresource, operation } = request;
    if (group !== '' || resource !== 'pods' || subresource !== '') return;
    if (operation === 'CREATE') return admit(request);
    if (operation === 'UPDATE') keep(request);
  },
  validate(request) {
    const { group, resource, operation } = request;
    if (group !== classes.group || resource !== classes.plural) return;
    if (operation === 'CREATE' || operation === 'UPDATE') return checkDefault(request);
  },
};

/** Clients that send a pod back without what was computed for it do not mean to change it. */
function keep({ object, oldObject }: AdmissionRequest): void {
  const spec = (object as Pod).spec!;
  const old = (oldObject as Pod).spec!;
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority;
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined) {
    spec.preemptionPolicy = old.preemptionPolicy;
  }
}

async function admit(request: AdmissionRequest): Promise<void> {
  const spec = (request.object as Pod).spec!;
  const { value, preemptionPolicy = 'PreemptLowerPriority' } = await classOf(request, spec);
  if (spec.priority !== undefined && spec.priority !== value) {
    const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    throw admissionForbidden(request, why);
  }
  spec.priority = value;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    const why = `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`;
    throw admissionForbidden(request, why);
  }
  spec.preemptionPolicy = preemptionPolicy;
}

async function classOf(
  request: AdmissionRequest,
  spec: NonNullable<Pod['spec']>,
): Promise<Pick<PriorityClass, 'value' | 'preemptionPolicy'>> {
  const name = spec.priorityClassName ?? '';
  if (name === '') {
    const byDefault = await defaultClass(request);
    if (byDefault !== undefined) spec.priorityClassName = byDefault.metadata.name!;
    return byDefault ?? { value: 0 };
  }
  const found = (await request.access.cached(classes, undefined, name)) as PriorityClass | undefined;
  if (found === undefined) throw admissionForbidden(request, `no PriorityClass with name ${name} was found`);
  return found;
}

/** Of several, which only a race can make, the lowest. */
async function defaultClass({ access }: AdmissionRequest): Promise<PriorityClass | undefined> {
  const all = (await access.list(classes, undefined)) as readonly PriorityClass[];
  return all
    .filter(({ globalDefault }) => globalDefault === true)
    .reduce<PriorityClass | undefined>(
      (lowest, one) => (lowest && lowest.value <= one.value ? lowest : one),
      undefined,
    );
}

async function checkDefault(request: AdmissionRequest): Promise<void> {
  const { globalDefault, metadata } = request.object as PriorityClass;
  if (globalDefault !== true) return;
  const present = await defaultClass(request);
  if (present === undefined) return;
  if (request.operation === 'UPDATE' && present.metadata.name === metadata.name) return;
  const why = `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`;
  throw admissionForbidden(request, why);
}
