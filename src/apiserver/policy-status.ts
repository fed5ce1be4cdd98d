/**
 * The status of validating admission policies: what type checking has found, once for each generation.
 * Source: Kubernetes `pkg/controller/validatingadmissionpolicystatus`.
 */
import type { ResourceCatalog } from '../admission/host.ts';
import { checkTypes } from '../admission/policy/type-checking.ts';
import type { ObjectSource } from '../apis/object-source.ts';
import type { RequestContext, ResourceAccess } from '../apis/resource-type.ts';
import type { ApiObject } from '../machinery/object.ts';
import { isReason } from '../machinery/status.ts';
import type { ServerLog } from './server-log.ts';

export interface PolicyStatusOptions {
  readonly objects: ObjectSource;
  readonly access: ResourceAccess;
  readonly resources: ResourceCatalog;
  readonly log: ServerLog;
  /** Of a write of the server itself. */
  readonly context: () => RequestContext;
}

const policies = { group: 'admissionregistration.k8s.io', plural: 'validatingadmissionpolicies' };

/** Resolves when every policy there is has been looked at. */
export async function followPolicyStatus(options: PolicyStatusOptions): Promise<void> {
  await options.objects.follow(policies, {
    set({ object }) {
      if (observedGeneration(object) >= (object.metadata.generation ?? 0)) return;
      writeStatus(object, options).catch((error: unknown) => {
        const { name } = object.metadata;
        options.log.error({ policy: name, error: String(error) }, 'the types of a policy could not be checked');
      });
    },
    delete: () => undefined,
    reset: () => undefined,
  });
}

async function writeStatus(seen: ApiObject, { access, resources, context }: PolicyStatusOptions): Promise<void> {
  const warnings = checkTypes(seen, resources);
  try {
    await access.update(
      policies,
      undefined,
      seen.metadata.name!,
      (draft) => {
        // A later generation has an event of its own.
        if (draft.metadata.generation !== seen.metadata.generation || draft.metadata.uid !== seen.metadata.uid) return;
        draft.status = {
          ...(draft.status as object | undefined),
          observedGeneration: seen.metadata.generation,
          typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings },
        };
      },
      context(),
    );
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

function observedGeneration({ status }: ApiObject): number {
  return (status as { observedGeneration?: number } | undefined)?.observedGeneration ?? 0;
}
