/** The user that a token's claims make. Source: `apiserver/plugin/pkg/authenticator/token/oidc`. */
import type { UserInfo } from '../../apis/user-info.ts';
import { CelError, type Program, perCallLimit, runtimeCostBudget, toJson } from '../../cel/index.ts';
import { goQuote } from '../../machinery/field.ts';
import { isJsonObject, type JsonObject } from '../../machinery/json.ts';
import { bindClaims, bindUser, type Globals } from './expressions.ts';
import type { ClaimSource, CompiledJwt, Rule } from './validation.ts';

/** Throws what is wrong with them, as the log and TokenReviews show it. */
export function userOfClaims(jwt: CompiledJwt, claims: JsonObject): UserInfo {
  const evaluation = new Evaluation(bindClaims(claims));
  const name = username(jwt.username, claims, evaluation);
  for (const [claim, value] of jwt.requiredClaims) {
    if (claims[claim] === undefined) throw new Error(`oidc: required claim ${claim} not present in ID token`);
    if (claims[claim] !== value) {
      const got = typeof claims[claim] === 'string' ? claims[claim] : JSON.stringify(claims[claim]);
      throw new Error(`oidc: required claim ${claim} value does not match. Got = ${got}, want = ${value}`);
    }
  }
  evaluation.require(jwt.claimRules, 'claim validation expression');
  const user = {
    name,
    uid: uid(jwt.uid, claims, evaluation),
    groups: groups(jwt.groups, claims, evaluation),
    extra: extra(jwt, evaluation),
  };
  if (jwt.userRules.length > 0) {
    const { name: username, ...rest } = user;
    new Evaluation(bindUser({ username, ...rest })).require(jwt.userRules, 'user info validation rule');
  }
  return user;
}

/** The expressions over one token share a budget. */
class Evaluation {
  readonly #globals: Globals;
  #budget = runtimeCostBudget;

  constructor(globals: Globals) {
    this.#globals = globals;
  }

  /** The value as JSON. */
  run(program: Program): unknown {
    const { value, cost } = program.run(this.#globals, Math.min(perCallLimit, this.#budget));
    this.#budget -= cost;
    if (value instanceof CelError) throw new Error(value.message);
    return toJson(value);
  }

  require(rules: readonly Rule[], what: string): void {
    for (const { expression, program, message } of rules) {
      const value = attempt(`oidc: error evaluating ${what}`, () => this.run(program));
      if (value === true) continue;
      throw new Error(`oidc: error evaluating ${what}: validation expression '${expression}' failed: ${message}`);
    }
  }
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function username(source: ClaimSource, claims: JsonObject, evaluation: Evaluation): string {
  if ('program' in source) {
    const value = attempt('oidc: error evaluating username claim expression', () => evaluation.run(source.program));
    if (typeof value !== 'string') {
      throw new Error(
        'oidc: error evaluating username claim expression: username claim expression must return a string',
      );
    }
    if (value === '') throw new Error('oidc: username claim expression must return a non-empty string');
    return value;
  }
  const { claim, prefix } = source;
  const value = claims[claim];
  const problem = (why: string) => new Error(`oidc: parse username claims ${goQuote(claim)}: ${why}`);
  if (value === undefined) throw problem('claim not present');
  if (typeof value !== 'string') throw problem(`${describe(value)} is not a string`);
  if (claim === 'email' && claims.email_verified !== undefined && claims.email_verified !== true) {
    throw new Error('oidc: email not verified');
  }
  return prefix + value;
}

function groups(source: ClaimSource | undefined, claims: JsonObject, evaluation: Evaluation): string[] {
  if (source === undefined) return [];
  if ('program' in source) {
    const what = 'oidc: error evaluating group claim expression';
    const value = attempt(what, () => evaluation.run(source.program));
    return strings(value) ?? fail(`${what}: expression must return a string or a list of strings`);
  }
  const value = claims[source.claim];
  const names =
    strings(value) ?? fail(`oidc: parse groups claim ${goQuote(source.claim)}: ${describe(value)} is no list`);
  return names.map((name) => source.prefix + name);
}

function uid(source: ClaimSource | undefined, claims: JsonObject, evaluation: Evaluation): string {
  if (source === undefined) return '';
  if ('program' in source) {
    const what = 'oidc: error evaluating uid claim expression';
    const value = attempt(what, () => evaluation.run(source.program));
    return typeof value === 'string' ? value : fail(`${what}: expression must return a string`);
  }
  const value = claims[source.claim];
  if (typeof value === 'string') return value;
  return fail(`oidc: parse uid claim ${goQuote(source.claim)}: claim not present or not a string`);
}

function extra(jwt: CompiledJwt, evaluation: Evaluation): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { key, value: program } of jwt.extra) {
    const what = 'oidc: error evaluating extra claim expression';
    const values = strings(attempt(what, () => evaluation.run(program)));
    if (values === undefined) fail(`${what}: expression must return a string or a list of strings`);
    else if (values.length > 0) found[key] = values;
  }
  return found;
}

/** A string is a list of one; nothing, and the empty string, are an empty one. `undefined`: it is something else. */
function strings(value: unknown): string[] | undefined {
  if (value === undefined || value === null || value === '') return [];
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) return undefined;
  return value;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isJsonObject(value) ? 'an object' : typeof value;
}

function fail(message: string): never {
  throw new Error(message);
}
