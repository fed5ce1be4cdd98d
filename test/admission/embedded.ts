/** What somebody imports who embeds the server. */
export {
  builtinTypes,
  createServer,
  dynamicAdmission,
  inProcessTransport,
  openMemoryStore,
} from '../../src/server.ts';

export const systemAdministrator = { name: 'admin', groups: ['system:masters'] };
