/** Which of several classes an annotation makes the default. */
import type { ApiObject } from '../machinery/object.ts';

/**
 * Of several the one made last; of those of one second the first by name.
 * Source: Kubernetes `pkg/volume/util/storageclass.go`, GetDefaultClass.
 */
export function newestDefault<T extends ApiObject>(
  classes: readonly T[],
  annotations: readonly string[],
): T | undefined {
  const marked = classes.filter(({ metadata }) => annotations.some((name) => metadata.annotations?.[name] === 'true'));
  const time = ({ metadata }: T): string => metadata.creationTimestamp ?? '';
  const name = ({ metadata }: T): string => metadata.name ?? '';
  return marked.sort((a, b) => (time(a) === time(b) ? (name(a) < name(b) ? -1 : 1) : time(a) > time(b) ? -1 : 1))[0];
}
