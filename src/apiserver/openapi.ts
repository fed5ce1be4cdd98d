import type { PathHandler } from './paths.ts';
import type { ResourceRegistry } from './registry.ts';
export function openApiPaths(_registry: ResourceRegistry): PathHandler {
  return () => undefined;
}
