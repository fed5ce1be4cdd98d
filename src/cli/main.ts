#!/usr/bin/env node
/** `setpoint`: the command line. Wrong flags end with 2, what cannot be done with 1. */
import { Command, CommanderError } from 'commander';
import { CliError } from './cli-error.ts';
import { encryptionCommand } from './encryption.ts';
import { controllersCommand, nodeCommand, schedulerCommand } from './roles.ts';
import { serverCommand, upCommand } from './up.ts';
import { versionCommand } from './version.ts';

const program = new Command('setpoint')
  .description('The Kubernetes API as a library and program')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text) })
  .showHelpAfterError('(setpoint help shows the commands and their flags)')
  .addCommand(upCommand())
  .addCommand(serverCommand())
  .addCommand(controllersCommand())
  .addCommand(schedulerCommand())
  .addCommand(nodeCommand())
  .addCommand(encryptionCommand())
  .addCommand(versionCommand());

for (const command of program.commands) {
  command.exitOverride();
  for (const part of command.commands) part.exitOverride();
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof CliError) {
    process.stderr.write(`setpoint: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`setpoint: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}
