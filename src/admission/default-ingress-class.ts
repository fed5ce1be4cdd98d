/**
 * DefaultIngressClass: an Ingress that names no class gets the default one.
 * Source: Kubernetes `plugin/pkg/admission/network/defaultingressclass`.
 */
import type { Ingress, IngressClass } from '../apis/types.ts';
import type { AdmissionPlugin } from './chain.ts';
import { newestDefault } from './default-class.ts';

const ingressClasses = { group: 'networking.k8s.io', plural: 'ingressclasses' };
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';
/** How classes were named before `spec.ingressClassName`. */
const classAnnotation = 'kubernetes.io/ingress.class';

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  mutate(request) {
    const { group, resource, subresource, operation, access } = request;
    if (operation !== 'CREATE' || group !== 'networking.k8s.io' || resource !== 'ingresses' || subresource !== '')
      return;
    const { metadata, spec } = request.object as Ingress;
    if (spec?.ingressClassName !== undefined || metadata.annotations?.[classAnnotation] !== undefined) return;
    return (async () => {
      const all = (await access.list(ingressClasses, undefined)) as readonly IngressClass[];
      const found = newestDefault(all, [defaultAnnotation]);
      if (found === undefined) return;
      const ingress = request.object as Ingress;
      ingress.spec ??= {};
      ingress.spec.ingressClassName = found.metadata.name!;
    })();
  },
};
