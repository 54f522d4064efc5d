#!/usr/bin/env node
import { errorLine, EXIT_FAILURE, program } from './cli/program.js';
import { writeLine } from './cli/terminal.js';

/** What must not be caught further down: a fault of ours. One line, then the end; Kubernetes starts us again. */
function die(error: unknown): never {
  const frame = error instanceof Error ? /^ {4}(at .*)/m.exec(error.stack ?? '')?.[1] : undefined;
  writeLine(process.stderr, `config-weaver: ${errorLine(error)}${frame === undefined ? '' : ` (${frame})`}`);
  process.exit(EXIT_FAILURE);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);

process.exitCode = await program(process.argv.slice(2), process);
