/**
 * Patterns that JavaScript's own engine matches in linear time, and as RE2 does. That engine is an order of magnitude
 * faster, but backtracks: a pattern is handed to it only when there is provably nothing to backtrack over.
 */

/** The most ways through optional parts and alternatives that may have to be tried. */
const maxWays = 64;
/** The most that a bounded repetition may repeat. */
const maxRepeat = 256;

const literal = /[A-Za-z0-9_\-:/@ ,;=<>#%&!~"'`]/;
const escapable = /[.\-/:+*?()[\]{}|^$\\_@]/;

/**
 * The pattern as a `RegExp`, or undefined when it is not of the simple kind: anchored at its start, with at most one
 * unbounded repetition and few choices, made of ASCII literals, classes, groups and alternatives.
 */
export function linearRegExp(pattern: string): RegExp | undefined {
  const scanner = new Scanner(pattern);
  return scanner.isLinear() ? new RegExp(pattern, 'u') : undefined;
}

class Scanner {
  readonly #pattern: string;
  #at = 0;
  #unbounded = 0;
  #ways = 1;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  isLinear(): boolean {
    if (this.#pattern[0] !== '^' || this.#pattern.length > 500) return false;
    this.#at = 1;
    // An alternative at the top would not be anchored.
    return this.#sequence(0) && this.#at === this.#pattern.length;
  }

  /** A sequence of atoms up to the end, a `)` or a `|`. `repeated`: inside a group that is repeated. */
  #sequence(depth: number): boolean {
    if (depth > 20) return false;
    while (this.#at < this.#pattern.length) {
      const char = this.#pattern[this.#at] as string;
      if (char === ')' || char === '|') return depth > 0;
      if (char === '$') {
        this.#at++;
        return depth === 0 && this.#at === this.#pattern.length;
      }
      const before = this.#unbounded;
      const waysBefore = this.#ways;
      if (!this.#atom(char, depth)) return false;
      const isGroup = char === '(';
      if (!this.#quantifier(isGroup && (this.#unbounded > before || this.#ways > waysBefore))) return false;
    }
    return depth === 0;
  }

  #atom(char: string, depth: number): boolean {
    if (char === '(') return this.#group(depth);
    if (char === '[') return this.#class();
    if (char === '\\') {
      const next = this.#pattern[this.#at + 1] ?? '';
      this.#at += 2;
      return next === 'd' || (escapable.test(next) && /[.\-/+*?()[\]{}|^$\\]/.test(next) && next !== '-');
    }
    this.#at++;
    return literal.test(char);
  }

  #group(depth: number): boolean {
    this.#at++;
    if (this.#pattern.startsWith('?:', this.#at)) this.#at += 2;
    else if (this.#pattern[this.#at] === '?') return false;
    for (let alternatives = 1; ; alternatives++) {
      if (!this.#sequence(depth + 1)) return false;
      const end = this.#pattern[this.#at++];
      if (end === ')') {
        this.#ways *= alternatives;
        return this.#ways <= maxWays;
      }
      if (end !== '|') return false;
    }
  }

  #class(): boolean {
    const found = /\[\^?(?:\\[.\-/\\\]d]|[A-Za-z0-9_.:/@ ,+*-])+\]/y;
    found.lastIndex = this.#at;
    const match = found.exec(this.#pattern);
    if (match === null || /[a-zA-Z0-9]-\\d|\\d-|--|\[\^?-[^\]]|[^A-Za-z0-9]-[^\]]/.test(match[0].replace(/\\-/g, '_')))
      return false;
    this.#at += match[0].length;
    return true;
  }

  /** After an atom. `complex`: the atom itself repeats or chooses, and must not be repeated again. */
  #quantifier(complex: boolean): boolean {
    const rest = /(?:[*+?]|\{(\d+)(,(\d*))?\})(\?)?/y;
    rest.lastIndex = this.#at;
    const match = rest.exec(this.#pattern);
    if (match === null) return true;
    this.#at += match[0].length;
    if (/[*+?{]/.test(this.#pattern[this.#at] ?? '')) return false;
    if (match[0].startsWith('?')) {
      this.#ways *= 2;
      return this.#ways <= maxWays;
    }
    if (complex) return false;
    const isUnbounded =
      match[0].startsWith('*') || match[0].startsWith('+') || (match[2] !== undefined && match[3] === '');
    if (isUnbounded) return Number(match[1] ?? 0) <= maxRepeat && ++this.#unbounded === 1;
    const most = Number(match[3] ?? match[1]);
    if (match[2] !== undefined && most !== Number(match[1])) this.#ways *= most - Number(match[1]) + 1;
    return most <= maxRepeat && this.#ways <= maxWays;
  }
}
