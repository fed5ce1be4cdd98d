/**
 * The text of an expression and the errors in it, printed as cel-go prints them
 * (`github.com/google/cel-go/common`, Source, Error and Errors).
 */

/** One thing wrong with an expression. `offset` counts UTF-16 units from the start; -1 means "nowhere in particular". */
export interface SourceIssue {
  readonly offset: number;
  readonly message: string;
}

/** At most this many errors are printed; the rest are counted. */
const maxReported = 100;

/** `ERROR: <input>:1:5: message`, the source line and a caret under the column, for each issue, in source order. */
export function formatIssues(text: string, issues: readonly SourceIssue[], description = '<input>'): string {
  const lines = text.split('\n');
  const starts: number[] = [];
  let start = 0;
  for (const line of lines) {
    starts.push(start);
    start += line.length + 1;
  }
  const sorted = [...issues].sort((a, b) => a.offset - b.offset);
  const texts = sorted.slice(0, maxReported).map((issue) => {
    if (issue.offset < 0) return `ERROR: ${description}:-1:0: ${issue.message}`;
    let line = starts.length - 1;
    while (line > 0 && (starts[line] as number) > issue.offset) line--;
    const snippet = (lines[line] as string).replaceAll('\t', ' ');
    return formatIssue(description, line + 1, snippet, issue.offset - (starts[line] as number), issue.message);
  });
  const more = sorted.length - texts.length;
  if (more > 0) texts.push(`${more} more errors were truncated`);
  return texts.join('\n');
}

function formatIssue(description: string, line: number, snippet: string, units: number, message: string): string {
  const before = [...snippet.slice(0, units)];
  const at = String.fromCodePoint(snippet.codePointAt(units) ?? 0);
  const dots = before.map((char) => (isWide(char) ? '．' : '.')).join('');
  const caret = isWide(at) ? '＾' : '^';
  return `ERROR: ${description}:${line}:${before.length + 1}: ${message}\n | ${snippet}\n | ${dots}${caret}`;
}

/** cel-go widens the marker under every character that takes more than one byte of UTF-8. */
function isWide(char: string): boolean {
  return (char.codePointAt(0) as number) > 0x7f;
}
