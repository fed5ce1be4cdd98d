/**
 * The fields of a package's messages by the names that they have in JSON, in the order of their numbers: each has the number
 * after the one before it, unless it says its own (`schedulingGroup=43`). `...VolumeSource` is a message of the same
 * package that has a number of its own but whose fields are the outer message's in JSON.
 *
 * What type a field has is not said here: the schemas know.
 * Source: the struct tags of `k8s.io/api`, `k8s.io/apimachinery` and their kin.
 */
export type MessageTable = Readonly<Record<string, string>>;

export interface NumberedField {
  readonly number: number;
  /** In JSON, or of the message when it is `inline`. */
  readonly name: string;
  readonly inline: boolean;
}

export function numberedFields(row: string): NumberedField[] {
  let last = 0;
  return row
    .trim()
    .split(/\s+/)
    .filter((token) => token !== '')
    .map((token) => {
      const [text = '', number] = token.split('=');
      last = number === undefined ? last + 1 : Number(number);
      const inline = text.startsWith('...');
      return { number: last, name: inline ? text.slice(3) : text, inline };
    });
}
