/**
 * Secrets of type `kubernetes.io/service-account-token` hold a token of the account that they name, for as long as it
 * exists. Source: `k8s.io/kubernetes/pkg/controller/serviceaccount/tokens_controller.go`.
 */
import { legacyToken } from '../../auth/service-account/issuer.ts';
import type { ServiceAccountKeys } from '../../auth/service-account/keys.ts';
import { Secret, ServiceAccount } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import type { ControllerModule } from '../controller-module.ts';
import { isNamespaceTerminating, preconditionsOf } from '../workload/pod-control.ts';

const type = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
const scope = { fieldSelector: `type=${type}` };

export const serviceAccountTokenController: ControllerModule = {
  name: 'serviceaccount-token-controller',
  privileged: true,
  add(manager, { serviceAccountKeys, rootCertificates } = {}) {
    // Where keys are elsewhere, so is whoever signs.
    if (serviceAccountKeys === undefined) return;
    const byAccount = manager
      .cache(Secret, scope)
      .index('service account', ({ metadata }) => `${metadata.namespace}/${metadata.annotations?.[nameAnnotation]}`);
    manager
      .controller('serviceaccount-token-controller', { for: Secret, scope, concurrency: 5 })
      .watches(ServiceAccount, ({ metadata: { namespace, name } }) =>
        byAccount.get(`${namespace}/${name}`).map((secret) => ({ namespace, name: secret.metadata.name ?? '' })),
      )
      .reconcile(async (secret, context) => {
        const { namespace = '', name = '', annotations = {} } = secret.metadata;
        const accountName = annotations[nameAnnotation] ?? '';
        const secrets = context.client.resource(Secret);
        try {
          const account = await find(() =>
            context.client.resource(ServiceAccount).get({ namespace, name: accountName }),
          );
          const uid = annotations[uidAnnotation] ?? '';
          if (account === undefined || (uid !== '' && uid !== account.metadata.uid)) {
            await secrets.delete({ namespace, name }, preconditionsOf(secret));
            return;
          }
          const completed = await complete(secret, account, serviceAccountKeys(), rootCertificates);
          if (completed !== undefined) await secrets.update(completed);
        } catch (error) {
          if (!isNamespaceTerminating(error) && !isReason(error, 'NotFound')) throw error;
        }
      });
  },
};

/** `undefined`: nothing is missing. */
async function complete(
  secret: Secret,
  account: ServiceAccount,
  keys: ServiceAccountKeys,
  certificates: string | undefined,
): Promise<Secret | undefined> {
  const { namespace = '', name = '', annotations } = secret.metadata;
  const data = { ...secret.data };
  if (certificates !== undefined) data['ca.crt'] = base64(certificates);
  data.namespace = base64(namespace);
  const { name: accountName = '', uid = '' } = account.metadata;
  if ((data.token ?? '') === '') {
    data.token = base64(await legacyToken(namespace, { name: accountName, uid }, name, keys));
  }
  const isComplete = Object.entries(data).every(([key, value]) => secret.data?.[key] === value);
  if (isComplete && annotations?.[uidAnnotation] === uid) return undefined;
  return {
    ...secret,
    metadata: {
      ...secret.metadata,
      annotations: { ...annotations, [nameAnnotation]: accountName, [uidAnnotation]: uid },
    },
    data,
  };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function find<T>(get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get();
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}
