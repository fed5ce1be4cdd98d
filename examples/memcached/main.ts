import { createClient, httpTransport, loadKubeConfig, Manager } from 'setpoint';
import { addMemcached, Memcached } from './memcached.ts';

const transport = httpTransport(await loadKubeConfig());
await createClient(transport)
  .dynamic(Memcached.crd())
  .then((crds) => crds.apply(Memcached.crd(), { fieldManager: 'memcached' }));

const manager = new Manager({ transport, name: 'memcached-operator' });
addMemcached(manager);
await manager.start();
console.log('memcached-operator is running; Ctrl-C ends it');
process.once('SIGINT', () => manager.stop().then(() => process.exit()));
