import { validateServiceAccountName } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { ServiceAccount } from '../types.ts';
import { tokenSubresource } from './service-account-token.ts';

export const serviceAccountType = builtinType<ServiceAccount>({
  group: '',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  columns: [
    nameColumn,
    column<ServiceAccount>('Secrets', 'string', ({ secrets }) => secrets?.length ?? 0, {
      describedBy: ['io.k8s.api.core.v1.ServiceAccount', 'secrets'],
    }),
    ageColumn,
  ],
  strategy: { validateName: (name, prefix) => validateServiceAccountName(name, prefix), returnsDeletedObject: true },
  subresources: { token: tokenSubresource },
});
