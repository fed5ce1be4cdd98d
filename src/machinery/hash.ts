/** Short hashes for names, as `pod-template-hash` is one. Source: `k8s.io/kubernetes/pkg/util/hash`, `util/rand`. */
import type { JsonValue } from './json.ts';

/** FNV-1a of 32 bits, over UTF-8. */
export function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** The text in an alphabet that spells no words. */
export function safeEncode(text: string): string {
  let encoded = '';
  for (const byte of new TextEncoder().encode(text)) encoded += alphabet[byte % alphabet.length];
  return encoded;
}

/**
 * A name's suffix for a pod template: equal templates hash alike, whatever the order of their keys. `collisions` gives
 * another one when the name is taken (`status.collisionCount`).
 */
export function podTemplateHash(template: unknown, collisions = 0): string {
  const text = canonical(template as JsonValue) + (collisions === 0 ? '' : `#${collisions}`);
  return safeEncode(String(fnv32a(text)));
}

function canonical(value: JsonValue | undefined): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined && member !== null) members.push(`${JSON.stringify(key)}:${canonical(member)}`);
  }
  return `{${members.join(',')}}`;
}
