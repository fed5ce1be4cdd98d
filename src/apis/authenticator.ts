/** How the server checks bearer tokens on behalf of others: what a TokenReview asks. */
import type { UserInfo } from './user-info.ts';

export interface TokenIdentity {
  readonly user: UserInfo;
  /** Those of the asked audiences that the token is meant for. */
  readonly audiences: readonly string[];
}

export interface TokenAuthenticator {
  /**
   * `audiences` empty: the API server's own. Answers `undefined` for a token that nobody knows; rejects with the sentence
   * that says what is wrong with one that somebody does.
   */
  authenticateToken(token: string, audiences: readonly string[]): Promise<TokenIdentity | undefined>;
}
