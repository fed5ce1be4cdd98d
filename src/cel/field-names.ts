/**
 * Field names of JSON as identifiers of CEL and back. Source: Kubernetes' `apiserver/pkg/cel/escaping.go`:
 * `__` is written `__underscores__`, `.` `__dot__`, `-` `__dash__`, `/` `__slash__`, and a reserved word `__word__`.
 */
const reserved = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return ' +
    'var void while'
  ).split(' '),
);

const replacements: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** The identifier for a field name; undefined when there is none and expressions cannot reach the field. */
export function escapeFieldName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name.replace(/__|[-./]/g, (found) => replacements[found] as string);
}
