import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { Secret } from '../types.ts';
import { validateSecret, validateSecretUpdate } from './secret-validation.ts';

const definition = 'io.k8s.api.core.v1.Secret';

export const secretType = builtinType<Secret>({
  group: '',
  kind: 'Secret',
  plural: 'secrets',
  columns: [
    nameColumn,
    column<Secret>('Type', 'string', ({ type }) => type ?? '', { describedBy: [definition, 'type'] }),
    column<Secret>('Data', 'string', ({ data }) => Object.keys(data ?? {}).length, {
      describedBy: [definition, 'data'],
    }),
    ageColumn,
  ],
  selectableFields: [{ name: 'type', value: (object) => (object as unknown as Secret).type ?? '' }],
  strategy: {
    default(draft) {
      draft.type ??= 'Opaque';
      encodeStringData(draft);
    },
    prepareForUpdate(draft, old) {
      // Older Kubernetes let clients leave the type out of an update.
      if ((draft.type ?? '') === '') draft.type = old.type ?? 'Opaque';
    },
    warnings: ({ type, data }) => (type === 'kubernetes.io/tls' ? tlsWarnings(data) : []),
    validate: validateSecret,
    validateUpdate: validateSecretUpdate,
  },
});

/** A PEM block as Go reads one: a label, no more than base64 between the lines. */
const pemBlock = /-----BEGIN ([^-]+)-----\r?\n(?:[\w-]+:[^\n]*\n)*[A-Za-z0-9+/=\s]*-----END \1-----/;

/** What Go's `tls.X509KeyPair` misses first in a pair that holds no PEM. */
function tlsWarnings(data: Secret['data']): string[] {
  for (const [key, name] of [
    ['tls.crt', 'certificate'],
    ['tls.key', 'key'],
  ] as const) {
    const text = Buffer.from(data?.[key] ?? '', 'base64').toString('latin1');
    if (!pemBlock.test(text)) return [`tls: failed to find any PEM data in ${name} input`];
  }
  return [];
}

/** `stringData` is write-only: it goes into `data`, over what stands there. */
function encodeStringData(draft: Secret): void {
  const { stringData } = draft;
  if (stringData === undefined) return;
  delete draft.stringData;
  draft.data ??= {};
  for (const [key, value] of Object.entries(stringData)) draft.data[key] = Buffer.from(value).toString('base64');
}
