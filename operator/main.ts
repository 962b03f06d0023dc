#!/usr/bin/env node
import { homedir, hostname, userInfo } from 'node:os';
import { openBucket } from '../bucket/s3/sdk/sdk-bucket.ts';
import { type OperatorLog, operatorLog } from './cli/log.ts';
import { run } from './cli/run.ts';
import { askHidden, askLine } from './cli/terminal.ts';
import type { Context } from './context.ts';
import { removeTemporaryDirectories } from './files/temporary-directory.ts';

// biome-ignore lint/style/noProcessEnv: the one place that reads the environment
const env = process.env;

/**
 * The entry point of `mm`. It is the only file that reads the process it runs in: its environment,
 * its terminal and its signals. `cli/` turns the command line into a call of one file in
 * `commands/`; that command returns an answer, and `cli/run.ts` prints it.
 */
function processContext(log: OperatorLog): Context {
  const { stdin: input, stderr: output } = process;
  const isTerminal = input.isTTY && output.isTTY;
  return {
    cwd: process.cwd(),
    home: homedir(),
    env,
    user: userName(),
    host: hostname(),
    now: () => Date.now(),
    notice: log.notice,
    show: log.show,
    setLogFormat: log.setFormat,
    ask: isTerminal ? (question) => askHidden({ input, output }, question) : undefined,
    askLine: isTerminal ? (question) => askLine({ input, output }, question) : undefined,
    openBucket,
  };
}

/** In a container the user may have an id but no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid${process.getuid?.() ?? ''}`;
  }
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;
for (const [signal, number] of Object.entries(SIGNALS)) {
  process.once(signal, () => {
    removeTemporaryDirectories();
    process.exit(128 + number);
  });
}
// The reader may close the pipe early, as `mm releases | head` does. That is not an error.
process.stdout.on('error', () => undefined);

const log = operatorLog(env);
process.exitCode = await run(process.argv.slice(2), processContext(log), {
  out: (text) => process.stdout.write(text),
  err: log.failure,
});
