import { homedir, hostname, userInfo } from 'node:os';
import { openBucket } from '../bucket/s3/sdk/sdk-bucket.ts';
import { printable } from './cli/printable.ts';
import { run } from './cli/run.ts';
import { askHidden } from './cli/terminal.ts';
import type { Context } from './context.ts';
import { removeTemporaryDirectories } from './temporary-directory.ts';

/** The only file of mm that knows the process it runs in. */
function processContext(): Context {
  const { stdin: input, stderr: output } = process;
  const isTerminal = input.isTTY && output.isTTY;
  return {
    cwd: process.cwd(),
    home: homedir(),
    // biome-ignore lint/style/noProcessEnv: this is where the environment comes in
    env: process.env,
    user: userName(),
    host: hostname(),
    now: () => Date.now(),
    notice: (line) => output.write(`mm: ${printable(line)}\n`),
    ask: isTerminal ? (question) => askHidden({ input, output }, question) : undefined,
    openBucket,
  };
}

/** A container's user may have no name. */
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
// Whoever reads the answer may have seen enough, as `mm releases | head` does.
process.stdout.on('error', () => undefined);

process.exitCode = await run(process.argv.slice(2), processContext(), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
