/**
 * `--controllers`: `*` is every controller that is on by default, `name` adds one, `-name` leaves one out.
 * Source: kube-controller-manager's flag of the same name.
 */
export class ControllerSelectionError extends Error {
  override readonly name = 'ControllerSelectionError';
}

export function selectControllers(selection: readonly string[], known: readonly string[]): Set<string> {
  for (const item of selection) {
    const name = item.replace(/^-/, '');
    if (name !== '*' && !known.includes(name)) {
      throw new ControllerSelectionError(`"${name}" is not in the list of known controllers: ${known.join(', ')}`);
    }
  }
  const all = selection.includes('*');
  return new Set(known.filter((name) => !selection.includes(`-${name}`) && (all || selection.includes(name))));
}
