/** `pods/ephemeralcontainers`: containers that are added to a running pod, and stay. Source: KEP-277. */
import { type FieldError, FieldPath, forbidden } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { badRequest, invalidObject, notFound } from '../../machinery/status.ts';
import { normalize } from '../normal-form.ts';
import type { NamedSubresource, ResourceRef, SubresourceRequest, SubresourceResponse } from '../resource-type.ts';
import { schemaOf } from '../schemas.ts';
import type { Pod } from '../types.ts';
import { defaultPod } from './pod-defaults.ts';
import { mirrorAnnotation, validatePodSpec } from './pod-validation.ts';

const pods: ResourceRef = { group: '', plural: 'pods' };
const definition = 'io.k8s.api.core.v1.Pod';

export const ephemeralContainersSubresource: NamedSubresource = {
  verbs: ['get', 'update'],
  kind: 'Pod',
  get schema() {
    return schemaOf(definition);
  },
  handle,
};

async function handle({
  verb,
  namespace,
  name,
  body,
  context,
  access,
}: SubresourceRequest): Promise<SubresourceResponse> {
  if (verb === 'get') {
    const object = await access.get(pods, namespace, name);
    if (object === undefined) throw notFound({ group: '', name: 'pods' }, name);
    return { kind: 'object', code: 200, object };
  }
  if (body === undefined) throw badRequest('the body of the request must be a Pod');
  normalize(body, schemaOf(definition));
  const wanted = body as unknown as Pod;
  defaultPod(wanted);
  const object = await access.update(
    pods,
    namespace,
    name,
    (draft) => {
      const pod = draft as unknown as Pod;
      const old = structuredClone(pod);
      if (wanted.spec?.ephemeralContainers === undefined) delete pod.spec!.ephemeralContainers;
      else pod.spec!.ephemeralContainers = wanted.spec.ephemeralContainers;
      const errors = validate(pod, old);
      if (errors.length > 0) throw invalidObject({ group: '', name: 'Pod' }, name, errors);
    },
    context,
  );
  return { kind: 'object', code: 200, object };
}

/** What is there already may neither change nor go. */
function validate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  validatePodSpec(pod.spec!, pod.metadata, path, errors);
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    errors.push(forbidden('[]', 'static pods do not support ephemeral containers'));
  }
  const at = path.child('ephemeralContainers');
  const now = pod.spec!.ephemeralContainers ?? [];
  for (const container of old.spec!.ephemeralContainers ?? []) {
    const found = now.find(({ name }) => name === container.name);
    const quoted = JSON.stringify(container.name);
    if (found === undefined) errors.push(forbidden(at, `existing ephemeral containers ${quoted} may not be removed\n`));
    else if (!deepEqual(found, container)) {
      errors.push(forbidden(at, `existing ephemeral containers ${quoted} may not be changed\n`));
    }
  }
  return errors;
}
