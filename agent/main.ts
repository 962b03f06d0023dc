#!/usr/bin/env node
import { CodedError } from '../shared/coded-error.ts';
import { asFileError } from '../shared/disk-error.ts';
import { errorExitCode } from './core/exit-code.ts';
import { HELP } from './help.ts';
import { useOwnHome } from './io/host/own-home.ts';
import { deniedFile, isDenial } from './io/host/permission.ts';
import { writeFailure } from './io/write-failure.ts';
import { parseOptions } from './options.ts';
import { localPaths } from './paths.ts';
import { keepCompiled, useCompileCache } from './program/chunks.ts';
import { VERSION } from './program/version.ts';

const ARGV = process.argv.slice(2);
/** No other user may write what the agent makes. */
const UMASK = 0o022;
// biome-ignore lint/style/noProcessEnv: the one place where the agent takes its environment
const env = process.env;

/**
 * mm-agent: reads the command line and returns the exit code. Each command is loaded only when it
 * is used, so that `--version` and the daemon stay small.
 */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const options = parseOptions(argv);
  useOwnHome(env);
  // A shell may have none. Other users could then replace the kept metadata.
  process.umask(process.umask(UMASK) | UMASK);
  switch (options.command) {
    case 'version':
      process.stdout.write(`${VERSION}\n`);
      return 0;
    case 'help':
      process.stdout.write(HELP);
      return 0;
    // Without the compile cache: its memory would stay mapped as long as the daemon runs.
    case 'daemon':
      return await (await import('./commands/daemon.ts')).daemon(options, env);
    case 'once': {
      useCompileCache(localPaths(options.root).state);
      const { exitCode, hasRun } = await (await import('./commands/once.ts')).once(options, env);
      if (hasRun) keepCompiled(); // a shorter cycle did not load everything that the next one needs
      return exitCode;
    }
    case 'converge':
      return await (await import('./commands/converge.ts')).converge(options, env);
    case 'settings':
      return await (await import('./commands/settings.ts')).settings(options);
    case 'apply':
      return await (await import('./commands/apply.ts')).apply(options, env);
    case 'status':
      return await (await import('./commands/show/status.ts')).status(options, env);
    case 'run':
      return await (await import('./commands/steer/run.ts')).run(options, env);
    case 'diff':
      useCompileCache(localPaths(options.root).state);
      return await (await import('./commands/steer/diff.ts')).diff(options, env);
    case 'pin':
      return await (await import('./commands/steer/pin.ts')).pin(options, env);
    case 'unpin':
      return await (await import('./commands/steer/pin.ts')).unpin(options, env);
    case 'why':
      return await (await import('./commands/show/why.ts')).why(options, env);
    case 'doctor':
      return await (await import('./commands/doctor/doctor.ts')).doctor(options, env);
    case 'history':
      return (await import('./commands/show/history.ts')).history(options, env);
    case 'log':
      return (await import('./commands/show/log.ts')).log(options);
    case 'facts':
      return (await import('./commands/show/facts.ts')).facts(options);
    case 'binary':
      return await (await import('./commands/binary.ts')).binary(options, env);
    case 'disable':
      return (await import('./commands/disable.ts')).disable(options, env);
    case 'enable':
      return (await import('./commands/disable.ts')).enable(options);
    case 'reset-clock':
      return await (await import('./commands/reset-clock.ts')).resetClock(options);
  }
}

function explain(given: unknown): number {
  const error = isDenial(given) ? deniedFile(given, ARGV) : asFileError(given);
  writeFailure(error, env);
  return error instanceof CodedError ? errorExitCode(error.code) : 1;
}

/** Waits until stdout is written, because a pipe may still hold a part, then ends the process. */
function endWith(exitCode: number): void {
  process.stdout.write('', () => process.exit(exitCode));
}

// EPIPE: the reader has closed the pipe, as `| head` does.
process.stdout.on('error', () => undefined);

// An error of a callback, or of a promise that is not awaited.
process.on('uncaughtException', (error) => process.exit(explain(error)));

endWith(await main(ARGV, env).catch(explain));
