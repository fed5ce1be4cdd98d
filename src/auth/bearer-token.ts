/** The token of an `Authorization: Bearer` header. Source: RFC 6750. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}
