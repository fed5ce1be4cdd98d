/**
 * RuntimeClass: a pod gets its class' overhead and goes where its class runs.
 * Source: Kubernetes `plugin/pkg/admission/runtimeclass`; KEP-585, KEP-688.
 */
import type { Pod, RuntimeClass, Toleration } from '../apis/types.ts';
import { deepEqual } from '../machinery/json.ts';
import { Quantity } from '../machinery/quantity.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';

const runtimeClasses = { group: 'node.k8s.io', plural: 'runtimeclasses' };

type PodSpec = NonNullable<Pod['spec']>;
type Quantities = Readonly<Record<string, string>>;

export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  mutate(request) {
    const spec = newPod(request);
    if (spec?.runtimeClassName === undefined) return;
    return (async () => {
      const found = await classOf(request, spec);
      addOverhead(request, spec, found);
      addScheduling(request, spec, found);
    })();
  },
  validate(request) {
    const spec = newPod(request);
    if (spec === undefined || (spec.runtimeClassName === undefined && spec.overhead === undefined)) return;
    return (async () => {
      const found = spec.runtimeClassName === undefined ? undefined : await classOf(request, spec);
      checkOverhead(request, spec, found);
    })();
  },
};

function newPod({ group, resource, subresource, operation, object }: AdmissionRequest): PodSpec | undefined {
  if (operation !== 'CREATE' || group !== '' || resource !== 'pods' || subresource !== '') return undefined;
  return (object as Pod).spec;
}

async function classOf(request: AdmissionRequest, { runtimeClassName }: PodSpec): Promise<RuntimeClass> {
  const found = await request.access.cached(runtimeClasses, undefined, runtimeClassName!);
  if (found === undefined) {
    throw admissionForbidden(request, `pod rejected: RuntimeClass "${runtimeClassName}" not found`);
  }
  return found as RuntimeClass;
}

function addOverhead(request: AdmissionRequest, spec: PodSpec, { overhead }: RuntimeClass): void {
  const fixed = overhead?.podFixed;
  if (fixed === undefined) return;
  if (spec.overhead !== undefined && !sameQuantities(spec.overhead, fixed)) {
    throw admissionForbidden(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  }
  spec.overhead = { ...fixed };
}

function checkOverhead(request: AdmissionRequest, spec: PodSpec, found: RuntimeClass | undefined): void {
  const fixed = found?.overhead?.podFixed;
  if (spec.overhead === undefined || Object.keys(spec.overhead).length === 0) return;
  if (fixed === undefined) {
    const why = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';
    throw admissionForbidden(request, why);
  }
  if (!sameQuantities(spec.overhead, fixed)) {
    throw admissionForbidden(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  }
}

function addScheduling(request: AdmissionRequest, spec: PodSpec, { scheduling }: RuntimeClass): void {
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`;
      throw admissionForbidden(request, why);
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  const tolerations: Toleration[] = [...(spec.tolerations ?? [])];
  for (const toleration of scheduling?.tolerations ?? []) {
    if (!tolerations.some((own) => deepEqual(own, toleration))) tolerations.push({ ...toleration });
  }
  if (tolerations.length > 0) spec.tolerations = tolerations;
}

function sameQuantities(one: Quantities, other: Quantities): boolean {
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every(
    (name) => other[name] !== undefined && Quantity.parse(one[name]!).equals(Quantity.parse(other[name])),
  );
}
