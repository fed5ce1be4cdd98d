/** Source: Kubernetes `pkg/apis/networking/validation/validation.go`, ValidateIngressCreate and what it calls. */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { parseIp } from '../../machinery/ip.ts';
import {
  isDns1123Subdomain,
  isPortName,
  isPortNumber,
  isWildcardDns1123Subdomain,
  nameIsDns1035Label,
  nameIsDnsSubdomain,
} from '../../machinery/names.ts';
import { checkAll } from '../core/field-rules.ts';
import type { Ingress, Wire } from '../types.ts';

type Backend = Wire<k8s.V1IngressBackend>;
type Path = Wire<k8s.V1HTTPIngressPath>;

const path = FieldPath.of('spec');
const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const classAnnotation = 'kubernetes.io/ingress.class';

export function validateIngress(ingress: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  validateSpec(ingress, errors);
  const annotation = ingress.metadata.annotations?.[classAnnotation] ?? '';
  const className = ingress.spec?.ingressClassName;
  if (annotation !== '' && className !== undefined && annotation !== className) {
    const why = 'must match `ingressClassName` when both are specified';
    errors.push(invalid(FieldPath.of('annotations').child(classAnnotation), annotation, why));
  }
  return errors;
}

export function validateIngressUpdate(ingress: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  validateSpec(ingress, errors);
  return errors;
}

function validateSpec({ spec = {} }: Ingress, errors: FieldError[]): void {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  if (rules.length === 0 && defaultBackend === undefined) {
    errors.push(invalid(path, rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend !== undefined) validateBackend(defaultBackend, path.child('defaultBackend'), errors);
  for (const [i, { host = '', http }] of rules.entries()) {
    const at = path.child('rules').index(i);
    const hostPath = at.child('host');
    if (host !== '') {
      if (parseIp(host) !== undefined) errors.push(invalid(hostPath, host, 'must be a DNS name, not an IP address'));
      checkAll(
        host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host),
        hostPath,
        host,
        errors,
      );
    }
    if (http === undefined) continue;
    const pathsPath = at.child('http').child('paths');
    if ((http.paths?.length ?? 0) === 0) errors.push(required(pathsPath));
    for (const [j, each] of (http.paths ?? []).entries()) validatePath(each, pathsPath.index(j), errors);
  }
  for (const [i, { hosts = [], secretName }] of tls.entries()) {
    const at = path.child('tls').index(i);
    for (const [j, host] of hosts.entries()) {
      checkAll(
        host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host),
        at.child('hosts').index(j),
        host,
        errors,
      );
    }
    if ((secretName ?? '') !== '')
      checkAll(nameIsDnsSubdomain(secretName!), at.child('secretName'), secretName, errors);
  }
  if (ingressClassName !== undefined) {
    checkAll(nameIsDnsSubdomain(ingressClassName), path.child('ingressClassName'), ingressClassName, errors);
  }
}

const invalidSequences = ['//', '/./', '/../', '%2f', '%2F'];
const invalidSuffixes = ['/..', '/.'];

function validatePath({ path: text = '', pathType, backend }: Path, at: FieldPath, errors: FieldError[]): void {
  if (pathType === undefined || pathType === null)
    errors.push(required(at.child('pathType'), 'pathType must be specified'));
  else if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!text.startsWith('/')) errors.push(invalid(at.child('path'), text, 'must be an absolute path'));
    if (text !== '') {
      for (const sequence of invalidSequences) {
        if (text.includes(sequence)) errors.push(invalid(at.child('path'), text, `must not contain '${sequence}'`));
      }
      for (const suffix of invalidSuffixes) {
        if (text.endsWith(suffix)) errors.push(invalid(at.child('path'), text, `cannot end with '${suffix}'`));
      }
    }
  } else if (pathType === 'ImplementationSpecific') {
    if (text !== '' && !text.startsWith('/')) errors.push(invalid(at.child('path'), text, 'must be an absolute path'));
  } else errors.push(notSupported(at.child('pathType'), pathType, pathTypes));
  validateBackend(backend, at.child('backend'), errors);
}

function validateBackend({ service, resource }: Backend, at: FieldPath, errors: FieldError[]): void {
  if (service !== undefined && resource !== undefined) {
    errors.push(invalid(at, '', 'cannot set both resource and service backends'));
  } else if (resource !== undefined) {
    if (resource.name === '') errors.push(required(at.child('resource').child('name')));
    if (resource.kind === '') errors.push(required(at.child('resource').child('kind')));
  } else if (service === undefined) errors.push(required(at, 'must specify a resource or service backend'));
  else {
    const { name, port } = service;
    const servicePath = at.child('service');
    if (name === '') errors.push(required(servicePath.child('name')));
    else checkAll(nameIsDns1035Label(name), servicePath.child('name'), name, errors);
    const named = (port?.name ?? '') !== '';
    const numbered = (port?.number ?? 0) !== 0;
    if (named && numbered) errors.push(invalid(servicePath, '', 'cannot set both port name & port number'));
    else if (named) checkAll(isPortName(port!.name!), servicePath.child('port').child('name'), port!.name, errors);
    else if (numbered)
      checkAll(isPortNumber(port!.number!), servicePath.child('port').child('number'), port!.number, errors);
    else errors.push(required(servicePath.child('port'), 'port name or number is required'));
  }
}
