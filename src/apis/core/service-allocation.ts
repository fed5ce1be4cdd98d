/**
 * Cluster IPs and node ports of Services.
 *
 * An allocator remembers what it has handed out, and is told what Services give up. It learns what exists by listing Services
 * when it is first used, and again whenever its memory says that something is taken: another server may have freed it.
 * Source: Kubernetes `pkg/registry/core/service/storage/alloc.go` and `pkg/registry/core/service/strategy.go`.
 */
import { type FieldError, invalid } from '../../machinery/field.ts';
import { formatIp, isIpv6, networkOf, parseCidr, parseIp } from '../../machinery/ip.ts';
import { deepEqual } from '../../machinery/json.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { internalError, invalidObject } from '../../machinery/status.ts';
import { withGoValues } from '../go-values.ts';
import type { RequestContext, ResourceAccess, Strategy } from '../resource-type.ts';
import { schemaOf } from '../schemas.ts';
import type { Service, ServiceSpec } from '../types.ts';
import { Pool } from './number-pool.ts';
import { validateClusterIPs } from './service-ip-validation.ts';

export interface ServiceNetwork {
  /** IPv4, in CIDR form. Default: `10.0.0.0/24`, as in kube-apiserver. */
  readonly clusterCidr: string;
  /** First and last node port. Default: 30000 and 32767. */
  readonly nodePorts: readonly [first: number, last: number];
}

export const defaultServiceNetwork: ServiceNetwork = { clusterCidr: '10.0.0.0/24', nodePorts: [30000, 32767] };

/** The hooks that take and give back. Each server (each {@link ResourceAccess}) has an allocator of its own. */
export function serviceAllocation(network: ServiceNetwork): Required<Pick<Strategy, 'allocate' | 'afterWrite'>> {
  const allocators = new WeakMap<ResourceAccess, ServiceAllocator>();
  return {
    async allocate(draft, old, access, context) {
      let allocator = allocators.get(access);
      if (allocator === undefined) {
        allocator = new ServiceAllocator(network, access);
        allocators.set(access, allocator);
      }
      return allocator.allocate(draft as unknown as Service, old as unknown as Service | undefined, context);
    },
    afterWrite(old, service, access) {
      allocators.get(access)?.release(old as unknown as Service, service as unknown as Service | undefined);
    },
  };
}

class ServiceAllocator {
  readonly #access: ResourceAccess;
  readonly #addresses: Pool;
  readonly #ports: Pool;
  readonly #network: ServiceNetwork;
  #seeded: Promise<void> | undefined;

  constructor(network: ServiceNetwork, access: ResourceAccess) {
    this.#network = network;
    this.#access = access;
    const [base, size] = parseRange(network.clusterCidr);
    // The network's own address, the broadcast address and the first one (the API server's Service) are not for all.
    this.#addresses = new Pool(base + 1, base + size - 2, 1);
    this.#ports = new Pool(network.nodePorts[0], network.nodePorts[1], 0);
  }

  async allocate(
    service: Service,
    old: Service | undefined,
    context: RequestContext,
  ): Promise<(() => void) | undefined> {
    this.#seeded ??= this.#seed(context.now);
    await this.#seeded;
    const taken: (() => void)[] = [];
    const undo = (): void => {
      for (const release of taken.splice(0)) release();
    };
    try {
      await this.#allocateAddress(service, old, context, taken);
      await this.#allocatePorts(service, old, context, taken);
    } catch (error) {
      undo();
      throw error;
    }
    if (!context.dryRun) return undo;
    undo();
    return undefined;
  }

  async #allocateAddress(
    service: Service,
    old: Service | undefined,
    { now, dryRun }: RequestContext,
    taken: (() => void)[],
  ): Promise<void> {
    const spec = service.spec!;
    if (spec.type === 'ExternalName') return;
    spec.ipFamilyPolicy ??= old?.spec?.ipFamilyPolicy ?? inferredFamilyPolicy(spec);
    const throwIfAny = (errors: readonly FieldError[]): void => {
      if (errors.length === 0) return;
      const shown = withGoValues(errors, schemaOf('io.k8s.api.core.v1.Service'));
      throw invalidObject({ group: '', name: 'Service' }, service.metadata.name ?? '', shown);
    };
    const refuse = (field: string, value: unknown, why: string): void => throwIfAny([invalid(field, value, why)]);
    if (spec.clusterIP !== undefined) spec.clusterIPs ??= [spec.clusterIP];
    if (
      old === undefined ||
      old.spec?.clusterIPs?.[0] !== spec.clusterIPs?.[0] ||
      !deepEqual(old.spec?.ipFamilies, spec.ipFamilies)
    ) {
      throwIfAny(validateClusterIPs(spec));
      throwIfAny(checkFamilies(spec));
    }
    if (spec.clusterIP === 'None') {
      spec.clusterIPs = ['None'];
      // Without a selector somebody else knows which families its endpoints have.
      const ownEndpoints = Object.keys(spec.selector ?? {}).length === 0;
      if (!ownEndpoints) throwIfAny(checkConfigured(spec));
      spec.ipFamilies ??= ownEndpoints && spec.ipFamilyPolicy !== 'SingleStack' ? ['IPv4', 'IPv6'] : ['IPv4'];
      return;
    }
    throwIfAny(checkConfigured(spec));
    spec.ipFamilies ??= ['IPv4'];
    const wanted = spec.clusterIPs?.[0] ?? spec.clusterIP;
    // What is held already is kept; another address is for validation to refuse.
    if (old?.spec?.clusterIP !== undefined && (wanted ?? '') !== '') return;
    let address: number | undefined;
    if (wanted === undefined || wanted === '') {
      address = await this.#any(this.#addresses, now);
      if (address === undefined) throw internalError('failed to allocate a serviceIP: range is full');
    } else {
      address = parseIPv4(wanted);
      if (address === undefined || !this.#addresses.contains(address)) {
        const range = this.#network.clusterCidr;
        refuse(
          'spec.clusterIPs',
          [wanted],
          `failed to allocate IP ${wanted}: the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${range}`,
        );
      } else if (!dryRun && !(await this.#take(this.#addresses, address, now))) {
        refuse('spec.clusterIPs', [wanted], `failed to allocate IP ${wanted}: provided IP is already allocated`);
      }
    }
    const held = address!;
    taken.push(() => this.#addresses.release(held));
    spec.clusterIP = formatIPv4(held);
    spec.clusterIPs = [spec.clusterIP];
  }

  async #allocatePorts(
    service: Service,
    old: Service | undefined,
    { now, dryRun }: RequestContext,
    taken: (() => void)[],
  ): Promise<void> {
    const spec = service.spec!;
    const before = new Set((old?.spec?.ports ?? []).map(({ nodePort }) => nodePort));
    if (old?.spec?.healthCheckNodePort !== undefined) before.add(old.spec.healthCheckNodePort);
    const mine = new Set<number>();
    const hold = (port: number): void => {
      mine.add(port);
      taken.push(() => this.#ports.release(port));
    };
    const takePort = async (port: number, field: string, shared: boolean): Promise<void> => {
      if (before.has(port) || (shared && mine.has(port))) return;
      const [first, last] = this.#network.nodePorts;
      let why: string | undefined;
      // A dry run asks for no range, as in Kubernetes.
      if (!dryRun && !this.#ports.contains(port)) {
        why = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
      } else if (!(await this.#take(this.#ports, port, now))) why = 'provided port is already allocated';
      if (why !== undefined) {
        throw invalidObject({ group: '', name: 'Service' }, service.metadata.name ?? '', [invalid(field, port, why)]);
      }
      hold(port);
    };
    const anyPort = async (): Promise<number> => {
      const port = await this.#any(this.#ports, now);
      if (port === undefined) throw internalError('failed to allocate a nodePort: range is full');
      hold(port);
      return port;
    };
    if (needsNodePort(spec)) {
      const ports = spec.ports ?? [];
      for (const [i, port] of ports.entries()) {
        if (port.nodePort === undefined) continue;
        // TCP and UDP may share a node port; a new Service may share it among ports of one number only.
        const shared = old !== undefined || ports.slice(0, i).some((other) => other.port === port.port);
        await takePort(port.nodePort, `spec.ports[${i}].nodePort`, shared);
      }
      for (const port of ports) {
        if (port.nodePort !== undefined) continue;
        // The same port under another protocol shares the node port.
        const shared = ports.find((other) => other.port === port.port && other.protocol !== port.protocol)?.nodePort;
        port.nodePort = shared ?? (await anyPort());
      }
    }
    if (needsHealthCheckPort(spec)) {
      if (spec.healthCheckNodePort === undefined) spec.healthCheckNodePort = await anyPort();
      else await takePort(spec.healthCheckNodePort, 'spec.healthCheckNodePort', false);
    }
  }

  async #take(pool: Pool, value: number, now: number): Promise<boolean> {
    if (pool.take(value, now)) return true;
    await this.#seed(now);
    return pool.take(value, now);
  }

  async #any(pool: Pool, now: number): Promise<number | undefined> {
    const value = pool.takeAny(now);
    if (value !== undefined) return value;
    await this.#seed(now);
    return pool.takeAny(now);
  }

  /** Gives back what `old` held and `service` does not. */
  release(old: Service, service: Service | undefined): void {
    const kept = holdings(service);
    const held = holdings(old);
    for (const address of held.addresses) if (!kept.addresses.includes(address)) this.#addresses.release(address);
    for (const port of held.ports) if (!kept.ports.includes(port)) this.#ports.release(port);
  }

  async #seed(now: number): Promise<void> {
    const services = (await this.#access.list({ group: '', plural: 'services' }, undefined)) as readonly ApiObject[];
    const held = (services as unknown as readonly Service[]).map(holdings);
    this.#addresses.reset(
      held.flatMap(({ addresses }) => addresses),
      now,
    );
    this.#ports.reset(
      held.flatMap(({ ports }) => ports),
      now,
    );
  }
}

/** The cluster's addresses and node ports that a Service has. */
function holdings(service: Service | undefined): { addresses: number[]; ports: number[] } {
  const { clusterIPs = [], ports = [], healthCheckNodePort } = service?.spec ?? {};
  return {
    addresses: clusterIPs.map(parseIPv4).filter((address) => address !== undefined),
    ports: [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort].filter((port) => port !== undefined),
  };
}

/** Families that follow from the addresses, and a policy that fits both. */
function checkFamilies({ clusterIPs = [], ipFamilies = [], ipFamilyPolicy }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === 'SingleStack') {
    const why = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (clusterIPs.length === 2)
      errors.push(invalid('spec.ipFamilyPolicy', ipFamilyPolicy, `${why} cluster IPs are specified`));
    if (ipFamilies.length === 2)
      errors.push(invalid('spec.ipFamilyPolicy', ipFamilyPolicy, `${why} IP families are specified`));
  }
  for (const [i, address] of clusterIPs.entries()) {
    if (address === 'None') break;
    if (i >= ipFamilies.length && isIpv6(address)) {
      errors.push(invalid(`spec.clusterIPs[${i}]`, clusterIPs, 'IPv6 is not configured on this cluster'));
    }
  }
  return errors;
}

/** Clusters here have IPv4 Services. */
function checkConfigured({ ipFamilies = [], ipFamilyPolicy }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === 'RequireDualStack') {
    errors.push(
      invalid('spec.ipFamilyPolicy', ipFamilyPolicy, 'this cluster is not configured for dual-stack services'),
    );
  }
  for (const [i, family] of ipFamilies.entries()) {
    if (family !== 'IPv4') errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  }
  return errors;
}

function inferredFamilyPolicy(spec: ServiceSpec): string {
  return spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0
    ? 'RequireDualStack'
    : 'SingleStack';
}

export const needsClusterIP = ({ type }: ServiceSpec): boolean => type !== 'ExternalName';

export function needsNodePort({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
}

const mayUseNodePorts = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';

export function needsHealthCheckPort({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

/** An update that leaves out what was allocated keeps it. */
export function keepAllocated(draft: Service, old: Service): void {
  const spec = draft.spec!;
  const was = old.spec!;
  if (needsClusterIP(spec) && needsClusterIP(was)) {
    if ((spec.clusterIP ?? '') === '' && was.clusterIP !== undefined) spec.clusterIP = was.clusterIP;
    if (spec.clusterIPs === undefined && spec.clusterIP === was.clusterIP && was.clusterIPs !== undefined)
      spec.clusterIPs = was.clusterIPs;
  }
  if (mayUseNodePorts(spec) && mayUseNodePorts(was)) {
    const used = new Set((spec.ports ?? []).map(({ nodePort, protocol }) => `${nodePort}/${protocol}`));
    for (const port of spec.ports ?? []) {
      if (port.nodePort !== undefined) continue;
      const before = was.ports?.find((other) => other.port === port.port && other.protocol === port.protocol)?.nodePort;
      if (before !== undefined && !used.has(`${before}/${port.protocol}`)) port.nodePort = before;
    }
  }
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(was) && was.healthCheckNodePort !== undefined) {
    spec.healthCheckNodePort ??= was.healthCheckNodePort;
  }
}

/** A change of type drops what the old type had allocated, unless the client changed that too. */
export function dropTypeDependentFields(draft: Service, old: Service): void {
  const spec = draft.spec!;
  const was = old.spec!;
  const drop = <K extends keyof ServiceSpec>(...fields: K[]): void => {
    if (deepEqual(spec[fields[0]!], was[fields[0]!])) for (const field of fields) delete spec[field];
  };
  if (needsClusterIP(was) && !needsClusterIP(spec)) drop('clusterIPs', 'clusterIP', 'ipFamilies', 'ipFamilyPolicy');
  if (mayUseNodePorts(was) && !mayUseNodePorts(spec)) {
    const before = (was.ports ?? []).map(({ nodePort }) => nodePort);
    if (deepEqual((spec.ports ?? []).map(({ nodePort }) => nodePort) as never, before as never)) {
      for (const port of spec.ports ?? []) delete port.nodePort;
    }
  }
  if (needsHealthCheckPort(was) && !needsHealthCheckPort(spec)) drop('healthCheckNodePort');
  if (was.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    drop('allocateLoadBalancerNodePorts');
    drop('loadBalancerClass');
  }
  const external = (type: string | undefined): boolean => type === 'NodePort' || type === 'LoadBalancer';
  if (external(was.type) && !external(spec.type) && (spec.externalIPs?.length ?? 0) === 0)
    drop('externalTrafficPolicy');
}

/** An IPv4 address as a number. */
function parseIPv4(text: string): number | undefined {
  const bytes = parseIp(text);
  return bytes?.length === 4 ? numberOf(bytes) : undefined;
}

const numberOf = (bytes: readonly number[]): number => bytes.reduce((value, byte) => value * 256 + byte, 0);

const formatIPv4 = (value: number): string =>
  formatIp([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);

function parseRange(text: string): [base: number, size: number] {
  const cidr = parseCidr(text);
  if (cidr === undefined || cidr.address.length !== 4 || cidr.prefix < 1 || cidr.prefix > 30) {
    throw new Error(
      `the range of cluster IPs must be an IPv4 network such as 10.0.0.0/24, not ${JSON.stringify(text)}`,
    );
  }
  return [numberOf(networkOf(cidr)), 2 ** (32 - cidr.prefix)];
}
