#!/usr/bin/env node
import { errorLine, EXIT_FAILURE, program } from './cli/program.js';

/** What must not be caught further down: a fault of ours. One line, then the end; Kubernetes starts us again. */
function die(error: unknown): never {
  const frame =
    error instanceof Error ? error.stack?.split('\n').find((line) => line.startsWith('    at ')) : '';
  process.stderr.write(
    `config-weaver: ${errorLine(error)}${frame === undefined ? '' : ` (${frame.trim()})`}\n`,
  );
  process.exit(EXIT_FAILURE);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);

process.exitCode = await program(process.argv.slice(2), process);
