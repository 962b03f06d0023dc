#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openReadBucket } from '../bucket/s3/host/read-bucket.ts';
import { run } from './cli/run.ts';
import { type OperatorLog, operatorLog } from './cli/terminal/log.ts';
import { canDrawBars, ProgressDisplay } from './cli/terminal/progress.ts';
import { askHidden, askLine } from './cli/terminal/terminal.ts';
import { endAgents } from './commands/by-hand/run-agent.ts';
import type { Context } from './context.ts';
import { removeTemporaryDirectories } from './files/temporary-directory.ts';

// biome-ignore lint/style/noProcessEnv: the one place that reads the environment
const env = process.env;

/**
 * The entry point of `mm`. It is the only file that reads the process it runs in: its environment,
 * its terminal and its signals. `cli/` turns the command line into a call of one file in
 * `commands/`; that command returns an answer, and `cli/run.ts` prints it.
 */
function processContext(log: OperatorLog, progress: ProgressDisplay): Context {
  const { stdin: input, stderr: output } = process;
  const isTerminal = input.isTTY && output.isTTY;
  return {
    cwd: process.cwd(),
    home: homedir(),
    env,
    user: userName(),
    host: hostname(),
    isRoot: process.geteuid?.() === 0,
    agentCommand: agentCommand(),
    now: () => Date.now(),
    notice: progress.withoutBar(log.notice),
    show: progress.withoutBar(log.show),
    showProgress: progress.show,
    setLogFormat: log.setFormat,
    ask: isTerminal ? (question) => askHidden({ input, output }, question) : undefined,
    askLine: isTerminal ? (question) => askLine({ input, output }, question) : undefined,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    wait: (ms) => setTimeout(ms, true),
    openBucket: (name, settings) => openReadBucket(name, settings, env),
  };
}

/** From the sources, from the same build, or from the package of the agent. */
function agentCommand(): readonly string[] | undefined {
  const beside = ['mm-agent.mjs', '../agent/main.ts'].map((name) =>
    join(import.meta.dirname, name),
  );
  const [own] = beside.filter((path) => existsSync(path));
  if (own !== undefined) return [process.execPath, own];
  const [installed] = ['/usr/bin/mm-agent', '/usr/local/bin/mm-agent'].filter(existsSync);
  return installed === undefined ? undefined : [installed];
}

/** In a container the user may have an id but no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid${process.getuid?.() ?? ''}`;
  }
}

const log = operatorLog(env);
const isBar = canDrawBars(process.stderr, env) && !process.argv.includes('--json');
const progress = new ProgressDisplay({
  terminal: isBar ? process.stderr : undefined,
  notice: log.notice,
  now: () => Date.now(),
});

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;
for (const [signal, number] of Object.entries(SIGNALS)) {
  process.once(signal, () => {
    progress.clear();
    void endAgents().then(() => {
      removeTemporaryDirectories();
      process.exit(128 + number);
    });
  });
}
// The reader may close the pipe early, as `mm releases | head` does. That is not an error.
let isReaderGone = false;
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  isReaderGone ||= code === 'EPIPE';
});

process.exitCode = await run(process.argv.slice(2), processContext(log, progress), {
  out: (text) => process.stdout.write(text),
  isReaderGone: () => isReaderGone,
  err: progress.withoutBar(log.failure),
});
