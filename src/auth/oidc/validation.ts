/**
 * What is wrong with the issuers of an AuthenticationConfiguration, in Kubernetes' words; what is right is compiled.
 * Source: `apiserver/pkg/apis/apiserver/validation`.
 */
import { X509Certificate } from 'node:crypto';
import type { Program } from '../../cel/index.ts';
import {
  duplicate,
  type FieldError,
  type FieldPath,
  goQuote,
  invalid,
  required,
  tooMany,
} from '../../machinery/field.ts';
import { isDomainPrefixedPath } from '../../machinery/names.ts';
import { compileExpression, readsClaim } from './expressions.ts';
import type { JwtAuthenticator, PrefixedClaim } from './types.ts';

export interface CompiledJwt {
  readonly issuer: string;
  /** Where its metadata are, without a path of their own to be added. */
  readonly discoveryUrl: string;
  readonly certificateAuthority: string | undefined;
  readonly audiences: readonly string[];
  readonly requiredClaims: ReadonlyMap<string, string>;
  readonly claimRules: readonly Rule[];
  readonly username: ClaimSource;
  readonly groups: ClaimSource | undefined;
  readonly uid: ClaimSource | undefined;
  readonly extra: readonly { readonly key: string; readonly value: Program }[];
  readonly userRules: readonly Rule[];
}

export interface Rule {
  readonly expression: string;
  readonly program: Program;
  readonly message: string;
}

export type ClaimSource = { readonly claim: string; readonly prefix: string } | { readonly program: Program };

const maxIssuers = 64;
const wellKnown = '/.well-known/openid-configuration';

/** Adds to `errors`; what it answers is of use only when there are none. */
export function compileJwt(
  authenticators: readonly JwtAuthenticator[],
  path: FieldPath,
  ownIssuers: readonly string[],
  errors: FieldError[],
): CompiledJwt[] {
  if (authenticators.length > maxIssuers) {
    errors.push(tooMany(path, authenticators.length, maxIssuers));
    return [];
  }
  const issuers = new Set<string>();
  const discoveries = new Set<string>();
  return authenticators.flatMap((authenticator, index) => {
    const at = path.index(index);
    const compiled = compileOne(authenticator, at, ownIssuers, errors);
    const { url = '', discoveryURL = '' } = authenticator.issuer ?? {};
    if (issuers.has(url)) errors.push(duplicate(at.child('issuer').child('url'), url));
    issuers.add(url);
    if (discoveryURL !== '' && discoveries.has(discoveryURL)) {
      errors.push(duplicate(at.child('issuer').child('discoveryURL'), discoveryURL));
    }
    discoveries.add(discoveryURL);
    return compiled ?? [];
  });
}

function compileOne(
  { issuer = {}, claimValidationRules = [], claimMappings = {}, userValidationRules = [] }: JwtAuthenticator,
  path: FieldPath,
  ownIssuers: readonly string[],
  errors: FieldError[],
): CompiledJwt | undefined {
  checkIssuer(issuer, path.child('issuer'), ownIssuers, errors);
  const rules = compileClaimRules(claimValidationRules, path.child('claimValidationRules'), errors);
  const mappings = compileMappings(claimMappings, rules.programs, path.child('claimMappings'), errors);
  const userRules = compileUserRules(userValidationRules, path.child('userValidationRules'), errors);
  if (mappings === undefined) return undefined;
  const { url = '', discoveryURL, certificateAuthority, audiences = [] } = issuer;
  return {
    issuer: url,
    discoveryUrl: discoveryURL || `${url.replace(/\/$/, '')}${wellKnown}`,
    certificateAuthority: certificateAuthority || undefined,
    audiences,
    requiredClaims: rules.required,
    claimRules: rules.programs,
    ...mappings,
    userRules,
  };
}

function checkIssuer(
  issuer: NonNullable<JwtAuthenticator['issuer']>,
  path: FieldPath,
  ownIssuers: readonly string[],
  errors: FieldError[],
): void {
  const { url = '', discoveryURL = '', certificateAuthority = '', audiences = [], audienceMatchPolicy = '' } = issuer;
  if (url === '') errors.push(required(path.child('url')));
  else checkUrl(url, path.child('url'), ownIssuers, errors);
  if (discoveryURL !== '') {
    const at = path.child('discoveryURL');
    if (url !== '' && url.replace(/\/+$/, '') === discoveryURL.replace(/\/+$/, '')) {
      errors.push(invalid(at, discoveryURL, 'discoveryURL must be different from URL'));
    }
    checkUrl(discoveryURL, at, [], errors);
  }
  checkAudiences(audiences, audienceMatchPolicy, path, errors);
  if (certificateAuthority === '') return;
  const blocks = certificateAuthority.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const problem =
    blocks.length === 0 ? 'data does not contain any valid RSA or ECDSA certificates' : badCertificate(blocks);
  if (problem !== undefined) errors.push(invalid(path.child('certificateAuthority'), '<omitted>', problem));
}

function badCertificate(blocks: readonly string[]): string | undefined {
  try {
    for (const block of blocks) new X509Certificate(block);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function checkUrl(text: string, path: FieldPath, disallowed: readonly string[], errors: FieldError[]): void {
  const wrong = (detail: string) => errors.push(invalid(path, text, detail));
  if (disallowed.includes(text)) {
    wrong(`URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`);
  }
  if (!URL.canParse(text)) {
    // What Go takes for a relative URL.
    wrong(/[\s%]/.test(text) ? `parse ${goQuote(text)}: invalid URL` : 'URL scheme must be https');
    return;
  }
  const url = new URL(text);
  if (url.protocol !== 'https:') wrong('URL scheme must be https');
  if (url.username !== '' || url.password !== '') wrong('URL must not contain a username or password');
  if (url.search !== '') wrong('URL must not contain a query');
  if (url.hash !== '') wrong('URL must not contain a fragment');
}

function checkAudiences(audiences: readonly string[], policy: string, path: FieldPath, errors: FieldError[]): void {
  const at = path.child('audiences');
  if (audiences.length === 0) {
    errors.push(required(at, `at least one ${at} is required`));
    return;
  }
  const seen = new Set<string>();
  for (const [index, audience] of audiences.entries()) {
    if (audience === '') errors.push(required(at.index(index)));
    if (seen.has(audience)) errors.push(duplicate(at.index(index), audience));
    seen.add(audience);
  }
  const policyAt = path.child('audienceMatchPolicy');
  if (audiences.length > 1 && policy !== 'MatchAny') {
    errors.push(invalid(policyAt, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences'));
  }
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny') {
    errors.push(invalid(policyAt, policy, 'audienceMatchPolicy must be empty or MatchAny for single audience'));
  }
}

function compileClaimRules(
  rules: NonNullable<JwtAuthenticator['claimValidationRules']>,
  path: FieldPath,
  errors: FieldError[],
): { required: Map<string, string>; programs: Rule[] } {
  const found = { required: new Map<string, string>(), programs: [] as Rule[] };
  const expressions = new Set<string>();
  for (const [index, { claim = '', requiredValue = '', expression = '', message = '' }] of rules.entries()) {
    const at = path.index(index);
    if (claim !== '' && expression !== '') errors.push(invalid(at, claim, "claim and expression can't both be set"));
    else if (claim !== '') {
      if (message !== '') {
        errors.push(invalid(at.child('message'), message, 'may not be specified when claim is set'));
      }
      if (found.required.has(claim)) errors.push(duplicate(at.child('claim'), claim));
      found.required.set(claim, requiredValue);
    } else if (expression !== '') {
      if (requiredValue !== '') {
        errors.push(invalid(at.child('requiredValue'), requiredValue, 'may not be specified when expression is set'));
      }
      const rule = compileRule('claims', expression, message, expressions, at, errors);
      if (rule !== undefined) found.programs.push(rule);
    } else errors.push(required(at, 'claim or expression is required'));
  }
  return found;
}

function compileUserRules(
  rules: NonNullable<JwtAuthenticator['userValidationRules']>,
  path: FieldPath,
  errors: FieldError[],
): Rule[] {
  const expressions = new Set<string>();
  return rules.flatMap(({ expression = '', message = '' }, index) => {
    const at = path.index(index);
    if (expression !== '') return compileRule('user', expression, message, expressions, at, errors) ?? [];
    errors.push(required(at.child('expression')));
    return [];
  });
}

function compileRule(
  over: 'claims' | 'user',
  expression: string,
  message: string,
  seen: Set<string>,
  path: FieldPath,
  errors: FieldError[],
): Rule | undefined {
  const at = path.child('expression');
  if (seen.has(expression)) {
    errors.push(duplicate(at, expression));
    return undefined;
  }
  seen.add(expression);
  const program = compileExpression(over, expression, 'bool', at, errors);
  return program && { expression, program, message };
}

type Mappings = Pick<CompiledJwt, 'username' | 'groups' | 'uid' | 'extra'>;

function compileMappings(
  mappings: NonNullable<JwtAuthenticator['claimMappings']>,
  rules: readonly Rule[],
  path: FieldPath,
  errors: FieldError[],
): Mappings | undefined {
  const { uid: { claim = '', expression = '' } = {} } = mappings;
  const username = compileClaim(mappings.username ?? {}, path.child('username'), true, errors);
  const groups = compileClaim(mappings.groups ?? {}, path.child('groups'), false, errors);
  let uid: ClaimSource | undefined = claim === '' ? undefined : { claim, prefix: '' };
  if (claim !== '' && expression !== '') {
    errors.push(invalid(path.child('uid'), '', "claim and expression can't both be set"));
  } else if (expression !== '') {
    const at = path.child('uid').child('expression');
    const program = compileExpression('claims', expression, undefined, at, errors);
    uid = program && { program };
  }
  const extra = compileExtra(mappings.extra ?? [], path.child('extra'), errors);
  if (username !== undefined && 'program' in username && readsClaim(username.program, 'email')) {
    const others = [username.program, ...rules.map(({ program }) => program), ...extra.map(({ value }) => value)];
    if (!others.some((program) => readsClaim(program, 'email_verified'))) {
      errors.push(
        invalid(
          path.child('username').child('expression'),
          mappings.username?.expression,
          'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
        ),
      );
    }
  }
  return username === undefined ? undefined : { username, groups, uid, extra };
}

function compileClaim(
  { claim = '', prefix, expression = '' }: PrefixedClaim,
  path: FieldPath,
  isRequired: boolean,
  errors: FieldError[],
): ClaimSource | undefined {
  if (claim !== '' && expression !== '') {
    errors.push(invalid(path, '', "claim and expression can't both be set"));
    return undefined;
  }
  if (expression !== '') {
    if (prefix !== undefined) {
      errors.push(invalid(path.child('prefix'), prefix, 'may not be specified when expression is set'));
    }
    const program = compileExpression('claims', expression, undefined, path.child('expression'), errors);
    return program && { program };
  }
  if (claim !== '') {
    if (prefix === undefined) {
      const detail = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing';
      errors.push(required(path.child('prefix'), detail));
    }
    return { claim, prefix: prefix ?? '' };
  }
  if (isRequired) errors.push(required(path, 'claim or expression is required'));
  return undefined;
}

function compileExtra(
  mappings: NonNullable<NonNullable<JwtAuthenticator['claimMappings']>['extra']>,
  path: FieldPath,
  errors: FieldError[],
): { key: string; value: Program }[] {
  const keys = new Set<string>();
  return mappings.flatMap(({ key = '', valueExpression = '' }, index) => {
    const at = path.index(index);
    const keyAt = at.child('key');
    errors.push(...isDomainPrefixedPath(keyAt, key));
    if (key !== key.toLowerCase()) errors.push(invalid(keyAt, key, 'must be lowercase'));
    if (/^([^/]*\.)?(kubernetes|k8s)\.io\//.test(key)) {
      errors.push(invalid(keyAt, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'));
    }
    if (keys.has(key)) {
      errors.push(duplicate(keyAt, key));
      return [];
    }
    keys.add(key);
    if (valueExpression === '') {
      errors.push(required(at.child('valueExpression')));
      return [];
    }
    const value = compileExpression('claims', valueExpression, undefined, at.child('valueExpression'), errors);
    return value === undefined ? [] : [{ key, value }];
  });
}
