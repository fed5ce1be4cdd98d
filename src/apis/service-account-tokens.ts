/** How tokens of service accounts are made: what `serviceaccounts/token` asks of the server. */

export interface ServiceAccountTokens {
  /** What the API server itself goes by: the audiences of tokens that do not ask for others. */
  readonly audiences: readonly string[];
  /** No token lives longer, in seconds; undefined: as long as it was asked for. */
  readonly maxExpirationSeconds: number | undefined;
  /** A signed token (a JWT) with these claims and the server's issuer. */
  issue(claims: IssuedClaims): Promise<IssuedToken>;
}

export interface IssuedToken {
  readonly token: string;
  /** Its `jti`: what the audit log calls it. */
  readonly id: string;
}

/** Times are in seconds since the epoch. */
export interface IssuedClaims {
  readonly audiences: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly namespace: string;
  readonly serviceAccount: ClaimedObject;
  readonly pod?: ClaimedObject;
  readonly secret?: ClaimedObject;
  readonly node?: ClaimedObject;
  readonly warnAfter?: number;
}

export interface ClaimedObject {
  readonly name: string;
  /** Undefined: there is no such object (a node that a pod was bound to). */
  readonly uid?: string;
}
