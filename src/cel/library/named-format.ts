/** Named formats: `format.dns1123Label().validate(s)`. Source: Kubernetes' `apiserver/pkg/cel/library/format.go`. */
import {
  isLabelValue,
  isPortName,
  isQualifiedName,
  nameIsDns1035Label,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
} from '../../machinery/names.ts';
import { stringFormat } from '../../schema/formats.ts';
import { declare, type FunctionDeclaration, type Library } from '../functions.ts';
import { parseType } from '../types.ts';
import { ListValue, noneOptional, OpaqueValue, OptionalValue, type Value } from '../values.ts';
import { parseRequestUri } from './url.ts';

const name = 'kubernetes.NamedFormat';

/** The largest of the pattern sizes below, by which static costs are estimated. */
export const maxFormatPatternSize = 128;

export class FormatValue extends OpaqueValue {
  readonly typeName = name;
  readonly name: string;
  /** What is wrong with a text, in words; nothing if it is of the format. */
  readonly validate: (text: string) => readonly string[];
  /** How long the pattern is that the cost of a validation is computed from. */
  readonly maxRegexSize: number;

  constructor(name: string, maxRegexSize: number, validate: (text: string) => readonly string[]) {
    super();
    this.name = name;
    this.maxRegexSize = maxRegexSize;
    this.validate = validate;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof FormatValue && this.name === other.name;
  }
}

const schemaFormat =
  (format: string, problem: string) =>
  (text: string): readonly string[] =>
    stringFormat(format)?.(text) === false ? [problem] : [];

const formats: Readonly<Record<string, FormatValue>> = {
  dns1123Label: new FormatValue('DNS1123Label', 30, (text) => nameIsDnsLabel(text, false)),
  dns1123Subdomain: new FormatValue('DNS1123Subdomain', 60, (text) => nameIsDnsSubdomain(text, false)),
  dns1035Label: new FormatValue('DNS1035Label', 30, (text) => nameIsDns1035Label(text, false)),
  qualifiedName: new FormatValue('QualifiedName', 60, isQualifiedName),
  portName: new FormatValue('PortName', 20, isPortName),
  dns1123LabelPrefix: new FormatValue('DNS1123LabelPrefix', 30, (text) => nameIsDnsLabel(text, true)),
  dns1123SubdomainPrefix: new FormatValue('DNS1123SubdomainPrefix', 60, (text) => nameIsDnsSubdomain(text, true)),
  dns1035LabelPrefix: new FormatValue('DNS1035LabelPrefix', 30, (text) => nameIsDns1035Label(text, true)),
  labelValue: new FormatValue('LabelValue', 40, isLabelValue),
  // The sizes are the lengths of the patterns in govalidator and strfmt.
  uri: new FormatValue('URI', 1206, (text) => {
    const parsed = parseRequestUri(text);
    return typeof parsed === 'string' ? [parsed] : [];
  }),
  uuid: new FormatValue('uuid', 83, schemaFormat('uuid', 'does not match the UUID format')),
  byte: new FormatValue('byte', 79, schemaFormat('byte', 'invalid base64')),
  date: new FormatValue('date', 109, schemaFormat('date', 'invalid date')),
  datetime: new FormatValue('datetime', 109, schemaFormat('date-time', 'invalid datetime')),
};

const constants: readonly FunctionDeclaration[] = Object.entries(formats).map(([key, format]) =>
  declare(`format.${key}`, { [`format.${key}`]: [`() -> ${name}`, () => format] }),
);

export const namedFormatLibrary: Library = {
  types: [parseType(name)],
  functions: [
    ...constants,
    declare('format.named', {
      'format-named': [
        `(string) -> optional_type(${name})`,
        (key: string): Value => (Object.hasOwn(formats, key) ? new OptionalValue(formats[key]) : noneOptional),
      ],
    }),
    declare('validate', {
      'format-validate': [
        `${name}.(string) -> optional_type(list(string))`,
        (format: FormatValue, text: string): Value => {
          const problems = format.validate(text);
          return problems.length === 0 ? noneOptional : new OptionalValue(new ListValue(problems));
        },
      ],
    }),
  ],
};
