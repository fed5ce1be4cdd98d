import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { ValidatingWebhookConfiguration } from '../types.ts';
import { defaultWebhook, validateWebhooks, type Webhook } from './webhook-configuration.ts';

const validate = ({ webhooks }: ValidatingWebhookConfiguration) =>
  validateWebhooks(webhooks as Webhook[] | undefined, false);

export const validatingWebhookConfigurationType = builtinType<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  categories: ['api-extensions'],
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<ValidatingWebhookConfiguration>('Webhooks', 'integer', ({ webhooks }) => webhooks?.length ?? 0, {
      description: 'Webhooks indicates the number of webhooks registered in this configuration',
    }),
    ageColumn,
  ],
  strategy: {
    generation: true,
    default({ webhooks }) {
      for (const webhook of (webhooks ?? []) as Webhook[]) defaultWebhook(webhook, false);
    },
    validate,
    validateUpdate: validate,
  },
});
