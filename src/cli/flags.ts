/** Flags that several commands share, each checked where it is read. */
import { InvalidArgumentError, Option } from 'commander';
import { ControllerSelectionError, selectControllers } from '../cluster/controller-selection.ts';
import { controllerNames } from '../cluster/controllers-role.ts';
import { runtimeChoices } from '../cluster/node-role.ts';
import { storeChoices } from '../cluster/store-choice.ts';

export const dataDirFlag = (): Option =>
  new Option('--data-dir <dir>', 'where keys, certificates and the store are kept').default('.setpoint');

export const storeFlag = (): Option =>
  new Option('--store <store>', 'what objects are kept in').choices([...storeChoices]).default('lmdb');

export const bindFlag = (): Option => new Option('--bind <address>', 'the address to listen on').default('127.0.0.1');

export const portFlag = (): Option =>
  new Option('--port <port>', 'the port to listen on; 0: any free one').default(6443).argParser(parsePort);

export const kubeconfigFlag = (): Option =>
  new Option('--kubeconfig <file>', "where the administrator's kubeconfig is written (default: in the data directory)");

export const runtimeFlag = (): Option =>
  new Option('--runtime <runtime>', 'what runs the containers of pods; auto: process')
    .choices([...runtimeChoices])
    .default('auto');

export const controllersFlag = (): Option =>
  new Option(
    '--controllers <list>',
    `which controllers run: '*' all, 'name' this one, '-name' not this one (${controllerNames.join(', ')})`,
  )
    .default(['*'], '*')
    .argParser(parseControllers);

export const encryptionFlag = (): Option =>
  new Option(
    '--encryption-provider-config <file>',
    "an EncryptionConfiguration: what is encrypted on disk, and by what (default: Secrets, by a key in the data directory's pki)",
  );

export const nodesFlag = (): Option =>
  new Option('--nodes <count>', 'how many nodes the cluster has').default(1).argParser(parseNodes);

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;

export const logLevelFlag = (): Option =>
  new Option('--log-level <level>', 'what is written to standard error').choices([...logLevels]).default('warn');

export const logFormatFlag = (): Option =>
  new Option('--log-format <format>', 'how it is written').choices(['text', 'json']).default('text');

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

function parseNodes(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count > 5000) throw new InvalidArgumentError('It must be a number from 0 to 5000.');
  return count;
}

function parseControllers(text: string): string[] {
  const selection = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  try {
    selectControllers(selection, controllerNames);
  } catch (error) {
    if (error instanceof ControllerSelectionError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
  return selection;
}
