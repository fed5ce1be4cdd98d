import { openMemoryStore } from '../../src/storage/index.ts';
import { storeContract } from './contract.ts';

storeContract('memory', async (options) => openMemoryStore(options));
