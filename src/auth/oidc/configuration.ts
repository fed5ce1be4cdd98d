/**
 * The file of `--authentication-config`: which issuers of tokens are believed, and what their tokens say of a user.
 * Source: `apiserver.config.k8s.io/v1` AuthenticationConfiguration; KEP-3331.
 */
import { errorText, type FieldError, FieldPath, invalid } from '../../machinery/field.ts';
import { isJsonObject, type JsonObject } from '../../machinery/json.ts';
import { parseYaml } from '../../machinery/yaml.ts';
import type { JwtAuthenticator } from './types.ts';
import { type CompiledJwt, compileJwt } from './validation.ts';

export interface AuthenticationConfiguration {
  readonly jwt: readonly CompiledJwt[];
  readonly anonymous: AnonymousConfiguration | undefined;
}

export interface AnonymousConfiguration {
  readonly enabled: boolean;
  readonly paths: readonly string[];
}

export class AuthenticationConfigurationError extends Error {
  override readonly name = 'AuthenticationConfigurationError';
}

const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `apiserver.config.k8s.io/${version}`);

/** `ownIssuers` make the tokens of service accounts: nobody else may. @throws AuthenticationConfigurationError */
export function parseAuthenticationConfiguration(
  text: string,
  ownIssuers: readonly string[] = [],
): AuthenticationConfiguration {
  const raw = document(text);
  const unknown = unknownFields(raw, shape, '');
  if (unknown.length > 0) {
    const problems = unknown.map((field) => `unknown field ${JSON.stringify(field)}`);
    throw new AuthenticationConfigurationError(`strict decoding error: ${problems.join(', ')}`);
  }
  const { jwt: authenticators = [], anonymous } = raw as {
    jwt?: JwtAuthenticator[];
    anonymous?: { enabled?: boolean; conditions?: { path?: string }[] };
  };
  const errors: FieldError[] = [];
  const jwt = compileJwt(authenticators, FieldPath.of('jwt'), ownIssuers, errors);
  const conditions = anonymous?.conditions ?? [];
  if (anonymous?.enabled !== true && conditions.length > 0) {
    const detail = 'enabled should be set to true when conditions are defined';
    errors.push(invalid('anonymous.conditions', conditions, detail));
  }
  if (errors.length > 0) {
    const texts = errors.map(errorText);
    throw new AuthenticationConfigurationError(texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`);
  }
  return {
    jwt,
    anonymous: anonymous && {
      enabled: anonymous.enabled === true,
      paths: conditions.map(({ path = '' }) => path),
    },
  };
}

function document(text: string): JsonObject {
  let raw: unknown;
  try {
    raw = parseYaml(text).value;
  } catch (error) {
    throw new AuthenticationConfigurationError(error instanceof Error ? error.message : String(error));
  }
  if (!isJsonObject(raw)) throw new AuthenticationConfigurationError('expected AuthenticationConfiguration');
  const { apiVersion, kind } = raw;
  if (kind !== 'AuthenticationConfiguration' || !versions.includes(String(apiVersion))) {
    const expected = `${versions[0]}, Kind=AuthenticationConfiguration`;
    throw new AuthenticationConfigurationError(
      `no kind ${JSON.stringify(kind ?? '')} is registered for version ${JSON.stringify(apiVersion ?? '')}: expected ${expected}`,
    );
  }
  return raw;
}

/** Field names; `null` ends the walk, a list holds the shape of its elements. */
type Shape = null | [Shape] | { readonly [field: string]: Shape };

const claim: Shape = { claim: null, prefix: null, expression: null };
const shape: Shape = {
  apiVersion: null,
  kind: null,
  jwt: [
    {
      issuer: {
        url: null,
        discoveryURL: null,
        certificateAuthority: null,
        audiences: null,
        audienceMatchPolicy: null,
      },
      claimValidationRules: [{ claim: null, requiredValue: null, expression: null, message: null }],
      claimMappings: {
        username: claim,
        groups: claim,
        uid: { claim: null, expression: null },
        extra: [{ key: null, valueExpression: null }],
      },
      userValidationRules: [{ expression: null, message: null }],
    },
  ],
  anonymous: { enabled: null, conditions: [{ path: null }] },
};

function unknownFields(value: unknown, known: Shape, path: string): string[] {
  if (known === null) return [];
  if (Array.isArray(known)) {
    if (!Array.isArray(value)) return [];
    return value.flatMap((element, index) => unknownFields(element, known[0], `${path}[${index}]`));
  }
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([field, child]) => {
    const at = path === '' ? field : `${path}.${field}`;
    return Object.hasOwn(known, field) ? unknownFields(child, known[field]!, at) : [at];
  });
}
