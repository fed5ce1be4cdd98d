/** `/`: which paths there are. Source: `metav1.RootPaths`. */
import { groupVersions } from './discovery.ts';
import type { HealthCheck } from './health.ts';
import type { PathHandler } from './paths.ts';
import type { ResourceRegistry } from './registry.ts';

const fixed = ['/api', '/apis', '/metrics', '/openapi/v2', '/openapi/v3', '/openapi/v3/', '/version'];

export function indexPath(registry: ResourceRegistry, checks: readonly HealthCheck[]): PathHandler {
  return ({ path }) => {
    if (path !== '/' && path !== '/index.html') return undefined;
    const paths = new Set(fixed);
    for (const { type } of registry.all()) {
      const root = type.group === '' ? '/api' : `/apis/${type.group}`;
      if (type.group !== '') paths.add(root);
      for (const version of groupVersions(registry, type.group)) paths.add(`${root}/${version}`);
    }
    for (const endpoint of ['healthz', 'livez', 'readyz'] as const) {
      paths.add(`/${endpoint}`);
      for (const { name, endpoints } of checks) {
        if (endpoint === 'healthz' || endpoints.includes(endpoint)) paths.add(`/${endpoint}/${name}`);
      }
    }
    const body = JSON.stringify({ paths: [...paths].sort() }, undefined, 2);
    return { code: 200, contentType: 'application/json', body };
  };
}
