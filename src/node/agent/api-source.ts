/** What pods name, read from the API when it is needed; tokens are kept until four fifths of their life are over. */
import type { ConfigMap, PersistentVolume, Pod, Secret } from '../../apis/types.ts';
import type { Client } from '../../client/client.ts';
import type { ObjectKey, ResourceDefinition, TypedObject } from '../../client/definition.ts';
import {
  ConfigMap as configMaps,
  PersistentVolumeClaim as persistentVolumeClaims,
  PersistentVolume as persistentVolumes,
  Secret as secrets,
  ServiceAccount as serviceAccounts,
} from '../../client/kinds.ts';
import type { Clock } from '../../clock/clock.ts';
import type { JsonObject } from '../../machinery/json.ts';
import { StatusError } from '../../machinery/status.ts';
import { specOf } from './pod-state.ts';
import type { VolumeSource } from './volumes.ts';

interface Token {
  readonly text: string;
  readonly refreshAt: number;
}

export class ApiSource implements VolumeSource {
  readonly #client: Client;
  readonly #clock: Clock;
  /** By pod uid, then by what was asked for. */
  readonly #tokens = new Map<string, Map<string, Token>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#find(configMaps, { namespace, name });
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#find(secrets, { namespace, name });
  }

  async boundVolume(namespace: string, claim: string): Promise<PersistentVolume | undefined> {
    const found = await this.#find(persistentVolumeClaims, { namespace, name: claim });
    if (found === undefined) throw new Error(`persistentvolumeclaim "${claim}" not found`);
    const name = found.spec?.volumeName ?? '';
    return name === '' || found.status?.phase !== 'Bound' ? undefined : this.#find(persistentVolumes, { name });
  }

  async serviceAccountToken(pod: Pod, audience: string, expirationSeconds: number): Promise<string> {
    const { uid = '', name = '', namespace } = pod.metadata;
    const id = `${audience}/${expirationSeconds}`;
    const tokens = this.#tokens.get(uid) ?? new Map<string, Token>();
    this.#tokens.set(uid, tokens);
    const known = tokens.get(id);
    if (known !== undefined && this.#clock.now() < known.refreshAt) return known.text;
    const account = specOf(pod).serviceAccountName || 'default';
    const answer = await this.#client
      .resource(serviceAccounts)
      .subresource('token')
      .create({ namespace, name: account }, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: { name: account, namespace },
        spec: {
          audiences: audience === '' ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      } as JsonObject);
    const { token = '', expirationTimestamp } = (answer.status ?? {}) as {
      token?: string;
      expirationTimestamp?: string;
    };
    const now = this.#clock.now();
    const life = expirationTimestamp === undefined ? expirationSeconds * 1000 : Date.parse(expirationTimestamp) - now;
    tokens.set(id, { text: token, refreshAt: now + life * 0.8 });
    return token;
  }

  /** The pod is no more. */
  forget(uid: string): void {
    this.#tokens.delete(uid);
  }

  async #find<T extends TypedObject>(definition: ResourceDefinition<T>, key: ObjectKey): Promise<T | undefined> {
    try {
      return await this.#client.resource(definition).get(key);
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return undefined;
      throw error;
    }
  }
}
