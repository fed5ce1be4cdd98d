/**
 * Approves what node agents ask for to speak to the API server, if who asks may.
 * Source: `k8s.io/kubernetes/pkg/controller/certificates/approver`.
 */
import type * as k8s from '@kubernetes/client-node';
import type { Kind } from '../../apis/types.ts';
import { requestedSubject } from '../../auth/certificate-requests.ts';
import { keyOf, type ResourceDefinition } from '../../client/definition.ts';
import { CertificateSigningRequest } from '../../client/kinds.ts';
import type { KeyContext } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';
import { kubeletClientProblem, kubeletClientSigner } from './kubelet-requests.ts';
import { conditionOf, isIssued, requestText } from './requests.ts';

const name = 'certificatesigningrequest-approving-controller';
/** When it is asked again whether somebody may who was not allowed to. */
const retry = 60_000;

export const requestApprovingController: ControllerModule = {
  name,
  add(manager) {
    manager.controller(name, { for: CertificateSigningRequest }).reconcile(async (request, context) => {
      const { spec } = request;
      const isDecided = conditionOf(request, 'Approved') !== undefined || conditionOf(request, 'Denied') !== undefined;
      if (isDecided || isIssued(request) || spec.signerName !== kubeletClientSigner) return undefined;
      const subject = await requestedSubject(requestText(request));
      if (kubeletClientProblem(subject, spec.usages ?? []) !== undefined) return undefined;
      if (subject.commonName === spec.username && (await may(request, 'selfnodeclient', context))) {
        await approve(request, 'Auto approving self kubelet client certificate after SubjectAccessReview.', context);
      } else if (await may(request, 'nodeclient', context)) {
        await approve(request, 'Auto approving kubelet client certificate after SubjectAccessReview.', context);
      } else {
        return { requeueAfter: retry };
      }
      return undefined;
    });
  },
};

type SubjectAccessReview = Kind<k8s.V1SubjectAccessReview>;

const SubjectAccessReview: ResourceDefinition<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  namespaced: false,
};

/** Whether who asks may create requests of this sort. */
async function may({ spec }: CertificateSigningRequest, subresource: string, { client }: KeyContext): Promise<boolean> {
  const { username, uid, groups, extra } = spec;
  const { status } = await client.resource(SubjectAccessReview).create({
    metadata: {},
    spec: {
      ...(username === undefined ? {} : { user: username }),
      ...(uid === undefined ? {} : { uid }),
      ...(groups === undefined ? {} : { groups }),
      ...(extra === undefined ? {} : { extra }),
      resourceAttributes: {
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests',
        verb: 'create',
        subresource,
      },
    },
  });
  return status?.allowed === true;
}

async function approve(request: CertificateSigningRequest, message: string, { client }: KeyContext): Promise<void> {
  const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
  const conditions = [...(request.status?.conditions ?? []), condition];
  const approved = { ...request, status: { ...request.status, conditions } };
  await client
    .resource(CertificateSigningRequest)
    .subresource('approval')
    .update(keyOf(request), approved as never);
}
