/**
 * From a kind to the resource that serves it, by the server's discovery documents. What is found is kept; what is not
 * found is asked for once more, because custom resources come and go.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../machinery/json.ts';
import { type ApiObject, groupVersion, parseGroupVersion } from '../machinery/object.ts';
import { isReason, StatusError } from '../machinery/status.ts';
import type { ResourceDefinition } from './definition.ts';
import type { Transport } from './transport.ts';

export interface KindReference {
  readonly apiVersion: string;
  readonly kind: string;
}

/** A resource as discovery describes it (`metav1.APIResource`). */
export interface DiscoveredResource extends ResourceDefinition<ApiObject> {
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

export interface RestMapper {
  /** The resource of a kind. Throws a StatusError with reason NotFound when the server knows none. */
  resourceFor(kind: KindReference): Promise<DiscoveredResource>;
  /**
   * Every resource of the preferred version of every group, subresources left out. Always asks the server. A version that
   * cannot be asked for (its aggregated server is down) is told to `onFailure`, and does not hide the others.
   */
  preferredResources(onFailure?: (apiVersion: string, error: unknown) => void): Promise<readonly DiscoveredResource[]>;
  /** Forgets what was found. */
  invalidate(): void;
}

export function createRestMapper(transport: Transport): RestMapper {
  /** By apiVersion: the resources of that version, as far as it has been asked for. */
  const versions = new Map<string, Promise<readonly DiscoveredResource[]>>();

  const fetchVersion = (apiVersion: string): Promise<readonly DiscoveredResource[]> => {
    const found = transport.document(versionPath(apiVersion)).then(
      (document) => resourcesOf(document, apiVersion),
      (error: unknown) => {
        if (isReason(error, 'NotFound')) return [];
        versions.delete(apiVersion);
        throw error;
      },
    );
    versions.set(apiVersion, found);
    return found;
  };

  return {
    async resourceFor({ apiVersion, kind }) {
      const cached = versions.get(apiVersion);
      const matches = (resource: DiscoveredResource): boolean => resource.kind === kind;
      const resource = (await cached)?.find(matches) ?? (await fetchVersion(apiVersion)).find(matches);
      if (resource === undefined) throw noMatch(apiVersion, kind);
      return resource;
    },

    async preferredResources(onFailure = () => undefined) {
      const groups = await transport.document('/apis');
      const preferred = ['v1', ...array(groups.groups).map(preferredVersion)].filter((version) => version !== '');
      const answers = await Promise.allSettled(preferred.map(fetchVersion));
      return answers.flatMap((answer, index) => {
        if (answer.status === 'fulfilled') return answer.value;
        onFailure(preferred[index]!, answer.reason);
        return [];
      });
    },

    invalidate() {
      versions.clear();
    },
  };
}

function versionPath(apiVersion: string): string {
  return parseGroupVersion(apiVersion).group === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
}

function preferredVersion(group: JsonObject): string {
  const preferred = group.preferredVersion;
  return isJsonObject(preferred) && typeof preferred.groupVersion === 'string' ? preferred.groupVersion : '';
}

function resourcesOf(document: JsonObject, apiVersion: string): readonly DiscoveredResource[] {
  const { group, version } = parseGroupVersion(apiVersion);
  return array(document.resources)
    .filter((entry) => typeof entry.name === 'string' && !entry.name.includes('/'))
    .map((entry) => ({
      group,
      version,
      kind: String(entry.kind),
      plural: String(entry.name),
      namespaced: entry.namespaced === true,
      verbs: strings(entry.verbs),
      shortNames: strings(entry.shortNames),
      categories: strings(entry.categories),
    }));
}

function array(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function strings(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

/** In client-go's words (`meta.NoKindMatchError`). */
function noMatch(apiVersion: string, kind: string): StatusError {
  const { group, version } = parseGroupVersion(apiVersion);
  return new StatusError(404, 'NotFound', `no matches for kind "${kind}" in version "${groupVersion(group, version)}"`);
}
