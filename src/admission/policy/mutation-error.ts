/** Why a mutation cannot be made; the failurePolicy says what that means for the request. */
export class MutationError extends Error {
  override readonly name = 'MutationError';
}
