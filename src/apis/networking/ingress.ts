import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { Ingress } from '../types.ts';
import { validateIngress, validateIngressUpdate } from './ingress-validation.ts';

const oldClassAnnotation = 'kubernetes.io/ingress.class';

export const ingressType = builtinType<Ingress>({
  group: 'networking.k8s.io',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  status: true,
  columns: [
    nameColumn,
    column<Ingress>('Class', 'string', (i) => i.spec?.ingressClassName ?? '<none>', {
      description: 'The name of the IngressClass resource that should be used for additional configuration',
    }),
    column<Ingress>('Hosts', 'string', hostsText, { description: 'Hosts that this ingress is relevant to' }),
    column<Ingress>('Address', 'string', addressText, {
      description: 'Address is a list containing ingress points for the load-balancer',
    }),
    column<Ingress>('Ports', 'string', (i) => ((i.spec?.tls?.length ?? 0) > 0 ? '80, 443' : '80'), {
      description: 'Ports of TLS configurations that open',
    }),
    ageColumn,
  ],
  strategy: {
    generation: true,
    prepareForCreate(draft) {
      draft.status = { loadBalancer: {} };
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? { loadBalancer: {} };
    },
    validate: validateIngress,
    validateUpdate: validateIngressUpdate,
    warnings: ({ metadata, spec: { ingressClassName } = {} }, old) =>
      old === undefined && metadata.annotations?.[oldClassAnnotation] !== undefined && ingressClassName === undefined
        ? [`annotation ${JSON.stringify(oldClassAnnotation)} is deprecated, please use 'spec.ingressClassName' instead`]
        : [],
  },
});

const shown = 3;

function hostsText({ spec: { rules = [] } = {} }: Ingress): string {
  const hosts = rules.map(({ host }) => host ?? '').filter((host) => host !== '');
  if (hosts.length === 0) return '*';
  const text = hosts.slice(0, shown).join(',');
  return hosts.length > shown ? `${text} + ${hosts.length - shown} more...` : text;
}

function addressText({ status }: Ingress): string {
  const all = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
  return [...new Set(all.filter((text) => text !== ''))].join(',');
}
