/** `setpoint encryption`: keys for what is encrypted on disk. */
import { Command } from 'commander';
import { CliError } from './cli-error.ts';
import { dataDirFlag, encryptionFlag } from './flags.ts';

interface EncryptionFlags {
  readonly dataDir: string;
  readonly encryptionProviderConfig?: string;
}

export function encryptionCommand(): Command {
  return new Command('encryption')
    .description('replace the key that encrypts what is on disk')
    .addCommand(
      new Command('rotate')
        .description("put a new key first in the data directory's configuration; it writes from the next start on")
        .addOption(dataDirFlag())
        .action(rotate),
    )
    .addCommand(
      new Command('rewrite')
        .description('write again, with the first key, all that another one wrote; the cluster must be down')
        .addOption(dataDirFlag())
        .addOption(encryptionFlag())
        .action(rewrite),
    );
}

async function rotate({ dataDir }: EncryptionFlags): Promise<void> {
  const [{ DataDirectory }, { addEncryptionKey }] = await Promise.all([
    import('../cluster/data-directory.ts'),
    import('../cluster/encryption.ts'),
  ]);
  const name = await explained(async () => addEncryptionKey(await DataDirectory.open(dataDir)));
  process.stdout.write(
    `${name} writes from the next start on; setpoint encryption rewrite takes it to what is there\n`,
  );
}

async function rewrite({ dataDir, encryptionProviderConfig }: EncryptionFlags): Promise<void> {
  const [{ DataDirectory }, { encryptedStore }, { openStore }, { reencrypt }, { systemClock }] = await Promise.all([
    import('../cluster/data-directory.ts'),
    import('../cluster/encryption.ts'),
    import('../cluster/store-choice.ts'),
    import('../storage/index.ts'),
    import('../clock/clock.ts'),
  ]);
  await explained(async () => {
    const directory = await DataDirectory.open(dataDir);
    const medium = await openStore('lmdb', directory.store, systemClock);
    try {
      const store = await encryptedStore(medium, directory, encryptionProviderConfig);
      const { written, unreadable } = await reencrypt(store, (count) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${count} written`);
      });
      if (process.stderr.isTTY) process.stderr.write('\r');
      process.stdout.write(`${written} objects were written again\n`);
      if (unreadable.length > 0) {
        throw new CliError(`the keys of these are not in the configuration:\n${unreadable.join('\n')}`);
      }
    } finally {
      await medium.close();
    }
  });
}

async function explained<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Error && /^(EncryptionConfigurationError|StoreOpenError)$/.test(error.name)) {
      throw new CliError(error.message);
    }
    throw error;
  }
}
