import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { MutatingWebhookConfiguration } from '../types.ts';
import { defaultWebhook, validateWebhooks, type Webhook } from './webhook-configuration.ts';

const validate = ({ webhooks }: MutatingWebhookConfiguration) =>
  validateWebhooks(webhooks as Webhook[] | undefined, true);

export const mutatingWebhookConfigurationType = builtinType<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  categories: ['api-extensions'],
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<MutatingWebhookConfiguration>('Webhooks', 'integer', ({ webhooks }) => webhooks?.length ?? 0, {
      description: 'Webhooks indicates the number of webhooks registered in this configuration',
    }),
    ageColumn,
  ],
  strategy: {
    generation: true,
    default({ webhooks }) {
      for (const webhook of (webhooks ?? []) as Webhook[]) defaultWebhook(webhook, true);
    },
    validate,
    validateUpdate: validate,
  },
});
