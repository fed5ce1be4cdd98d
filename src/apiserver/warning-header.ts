/** The `Warning` header: what the server wants to say beside its answer. Source: KEP-1693, RFC 7234 5.5. */

/** At most 4 KiB of warnings in total, each of at most 256 characters. */
const maxWarningBytes = 4096;
const maxWarningLength = 256;

/** All warnings in one header; those that do not fit are left out. */
export function warningHeader(warnings: readonly string[]): string {
  const items: string[] = [];
  let total = 0;
  for (const text of warnings) {
    const room = warnings.length > 1 && warnings.join('').length > maxWarningBytes ? maxWarningLength : maxWarningBytes;
    const short = text.slice(0, room);
    total += short.length;
    if (total > maxWarningBytes) break;
    items.push(`299 - "${headerText(short)}"`);
  }
  return items.join(', ');
}

/** A quoted-string of RFC 7230; control characters would end the header. */
function headerText(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
  const printable = escaped.replace(/[\u0000-\u001f\u007f]/g, ' ');
  return Buffer.from(printable, 'utf8').toString('latin1');
}
