/**
 * ServiceAccount: every pod runs as a service account that exists, with its pull secrets and, unless it is asked not to,
 * its token mounted. Source: Kubernetes `plugin/pkg/admission/serviceaccount`.
 */
import { isMirrorPod, podSecretNames } from '../apis/core/pod-references.ts';
import { podTokenExpiration } from '../apis/core/service-account-token.ts';
import type { Container, Pod, ServiceAccount, Volume } from '../apis/types.ts';
import { type Clock, sleep } from '../clock/clock.ts';
import { goQuote } from '../machinery/field.ts';
import { generateName } from '../machinery/names.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';

const accounts = { group: '', plural: 'serviceaccounts' };
const defaultAccount = 'default';
/** The controller makes it soon after its namespace: pods wait for it this often, for a tenth to a fifth of a second. */
const lookUps = 10;

const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const tokenVolume = 'kube-api-access-';
const enforceMountableSecrets = 'kubernetes.io/enforce-mountable-secrets';

type PodSpec = NonNullable<Pod['spec']>;

export function serviceAccountPlugin(clock: Clock): AdmissionPlugin {
  async function accountOf(request: AdmissionRequest, name: string): Promise<ServiceAccount> {
    const { namespace, access } = request;
    const pause = 100 + clock.random() * 100;
    const attempts = name === defaultAccount ? lookUps : 1;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await sleep(clock, pause);
      const found = await access.get(accounts, namespace, name);
      if (found !== undefined) return found as ServiceAccount;
    }
    throw admissionForbidden(
      request,
      `error looking up service account ${namespace}/${name}: serviceaccount ${goQuote(name)} not found`,
    );
  }

  return {
    name: 'ServiceAccount',
    mutate(request) {
      const pod = podOf(request);
      if (pod === undefined || request.operation !== 'CREATE' || request.subresource !== '' || isMirrorPod(pod)) return;
      return (async () => {
        const spec = pod.spec!;
        if ((spec.serviceAccountName ?? '') === '') spec.serviceAccountName = defaultAccount;
        const account = await accountOf(request, spec.serviceAccountName!);
        // Kubernetes keeps the old name of the field beside the new one.
        spec.serviceAccount = spec.serviceAccountName!;
        if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, clock);
        if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
          spec.imagePullSecrets = account.imagePullSecrets!.map(({ name }) => (name === undefined ? {} : { name }));
        }
      })();
    },
    validate(request) {
      const pod = podOf(request);
      if (pod === undefined) return;
      if (request.operation === 'UPDATE' && request.subresource === 'ephemeralcontainers') {
        return checkReferences(request, pod, (spec) => spec.ephemeralContainers as Container[] | undefined);
      }
      if (request.operation !== 'CREATE' || request.subresource !== '') return;
      if (isMirrorPod(pod)) return checkMirrorPod(request, pod);
      return checkReferences(request, pod, undefined);
    },
  };

  /** Pods of accounts with the annotation use the secrets that their account names, and no others. */
  async function checkReferences(
    request: AdmissionRequest,
    pod: Pod,
    ephemeral: ((spec: PodSpec) => Container[] | undefined) | undefined,
  ): Promise<void> {
    const spec = pod.spec!;
    if ((spec.serviceAccountName ?? '') === '') {
      const { name = '' } = pod.metadata;
      throw admissionForbidden(request, `no service account specified for pod ${request.namespace}/${name}`);
    }
    const account = await accountOf(request, spec.serviceAccountName!);
    if (!isTrue(account.metadata.annotations?.[enforceMountableSecrets])) return;
    const problem =
      ephemeral === undefined
        ? secretProblem(spec, account)
        : containerProblem('ephemeral container', ephemeral(spec), account);
    if (problem !== undefined) throw admissionForbidden(request, problem);
  }
}

function podOf({ group, resource, subresource, object }: AdmissionRequest): Pod | undefined {
  if (resource !== 'pods' || group !== '') return undefined;
  return subresource === '' || subresource === 'ephemeralcontainers' ? (object as Pod | undefined) : undefined;
}

function checkMirrorPod(request: AdmissionRequest, pod: Pod): void {
  const refuse = (why: string): never => {
    throw admissionForbidden(request, why);
  };
  const { serviceAccountName = '', volumes = [] } = pod.spec!;
  if (serviceAccountName !== '') refuse('a mirror pod may not reference service accounts');
  if (podSecretNames(pod.spec!).length > 0) refuse('a mirror pod may not reference secrets');
  if (volumes.some(({ projected }) => projected?.sources?.some((source) => source.serviceAccountToken !== undefined))) {
    refuse('a mirror pod may not use ServiceAccountToken volume projections');
  }
}

/** Into every container that has nothing of its own there. */
function mountToken(spec: PodSpec, clock: Clock): void {
  const own = spec.volumes?.find(({ name }) => name.startsWith(tokenVolume))?.name;
  const name = own ?? generateName(tokenVolume, () => clock.random());
  let isNeeded = false;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    container.volumeMounts ??= [];
    if (container.volumeMounts.some(({ mountPath }) => mountPath === tokenPath)) continue;
    container.volumeMounts.push({ name, readOnly: true, mountPath: tokenPath });
    isNeeded = true;
  }
  if (own !== undefined || !isNeeded) return;
  spec.volumes ??= [];
  spec.volumes.push({ name, projected: tokenSource() });
}

function tokenSource(): NonNullable<Volume['projected']> {
  return {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: podTokenExpiration, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  };
}

function secretProblem(spec: PodSpec, account: ServiceAccount): string | undefined {
  const mountable = new Set(account.secrets?.map(({ name }) => name));
  const lacks = `is not allowed because service account ${account.metadata.name} does not reference that`;
  for (const { secret } of spec.volumes ?? []) {
    if (secret === undefined || mountable.has(secret.secretName)) continue;
    return `volume with secret.secretName="${secret.secretName ?? ''}" ${lacks} secret`;
  }
  const problem =
    containerProblem('init container', spec.initContainers, account) ??
    containerProblem('container', spec.containers, account);
  if (problem !== undefined) return problem;
  const pullable = new Set(account.imagePullSecrets?.map(({ name }) => name));
  for (const [index, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!pullable.has(name)) return `imagePullSecrets[${index}].name="${name}" ${lacks} imagePullSecret`;
  }
  return undefined;
}

function containerProblem(
  called: string,
  containers: readonly Container[] = [],
  account: ServiceAccount,
): string | undefined {
  const mountable = new Set(account.secrets?.map(({ name }) => name));
  const lacks = `is not allowed because service account ${account.metadata.name} does not reference that secret`;
  for (const { name, env = [], envFrom = [] } of containers) {
    for (const variable of env) {
      const secret = variable.valueFrom?.secretKeyRef;
      if (secret === undefined || mountable.has(secret.name)) continue;
      return `${called} ${name} with envVar ${variable.name} referencing secret.secretName="${secret.name ?? ''}" ${lacks}`;
    }
    for (const { secretRef } of envFrom) {
      if (secretRef === undefined || mountable.has(secretRef.name)) continue;
      return `${called} ${name} with envFrom referencing secret.secretName="${secretRef.name ?? ''}" ${lacks}`;
    }
  }
  return undefined;
}

/** As Go's `strconv.ParseBool` reads it. */
function isTrue(text: string | undefined): boolean {
  return text !== undefined && ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text);
}
