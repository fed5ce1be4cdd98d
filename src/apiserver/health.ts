/**
 * `/healthz`, `/livez` and `/readyz` with `?verbose`, `?exclude=` and a path for each check.
 * Source: Kubernetes "API health endpoints"; `k8s.io/apiserver/pkg/server/healthz`.
 */
import { type PathHandler, type PathRequest, type PathResponse, textResponse } from './paths.ts';

export interface HealthCheck {
  readonly name: string;
  /** Which endpoints ask it besides `/healthz`. */
  readonly endpoints: readonly ('livez' | 'readyz')[];
  /** Throws when it is not well; the message stays in the server's log. */
  readonly check: () => void | Promise<void>;
}

export function healthPaths(
  checks: readonly HealthCheck[],
  onFailure: (name: string, error: unknown) => void,
): PathHandler {
  return (request) => {
    const match = /^\/(healthz|livez|readyz)(?:\/(.+))?$/.exec(request.path);
    if (match === null) return undefined;
    const endpoint = match[1] as 'healthz' | 'livez' | 'readyz';
    const asked = checks.filter((check) => endpoint === 'healthz' || check.endpoints.includes(endpoint));
    if (match[2] === undefined) return answer(endpoint, asked, request, onFailure);
    const single = asked.find(({ name }) => name === match[2]);
    return single === undefined ? undefined : answer(endpoint, [single], request, onFailure);
  };
}

async function answer(
  endpoint: string,
  checks: readonly HealthCheck[],
  { query }: PathRequest,
  onFailure: (name: string, error: unknown) => void,
): Promise<PathResponse> {
  const excluded = new Set(query.getAll('exclude'));
  const lines: string[] = [];
  let failed = false;
  for (const { name, check } of checks) {
    if (excluded.delete(name)) {
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    try {
      await check();
      lines.push(`[+]${name} ok`);
    } catch (error) {
      failed = true;
      onFailure(name, error);
      lines.push(`[-]${name} failed: reason withheld`);
    }
  }
  if (excluded.size > 0) {
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${[...excluded].map((n) => `"${n}"`).join(',')}`,
    );
  }
  if (failed) return textResponse(500, `${lines.join('\n')}\n${endpoint} check failed\n`);
  return textResponse(200, query.has('verbose') ? `${lines.join('\n')}\n${endpoint} check passed\n` : 'ok');
}
