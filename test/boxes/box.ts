import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, '../support/systemd-box.sh');
const SETUP = join(import.meta.dirname, '../support/setup.sh');

/**
 * A booted Debian with a real systemd, an overlay of a template that is made once and kept. Shares
 * this host's network.
 */
export interface Box extends AsyncDisposable {
  /** Runs a command inside and returns what it printed on stdout; throws when it fails. */
  exec(...command: string[]): Promise<string>;
  /** The same with a shell's text. */
  sh(text: string): Promise<string>;
  /** Powers it off and boots it again; its disk stays. */
  reboot(): Promise<void>;
  /** Copies a file of this host in. */
  push(source: string, target: string): Promise<void>;
}

/** Makes the template when it is missing, which takes minutes, and boots a box of that name. */
export async function bootBox(
  name: string,
  template: { readonly suite: string; readonly packages: readonly string[] },
): Promise<Box> {
  await run('sh', [SETUP, 'boxes']);
  const words = [template.suite, ...template.packages];
  await run(SCRIPT, ['make', ...words], { maxBuffer: 2 ** 26 });
  await run(SCRIPT, ['up', name, ...words]);
  const down = ['down', name];
  const interrupted = () => {
    execFileSync(SCRIPT, down);
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupted);
  const exec = async (...command: string[]) =>
    (await run(SCRIPT, ['exec', name, ...command], { maxBuffer: 2 ** 26 })).stdout;
  return {
    exec,
    reboot: async () => void (await run(SCRIPT, ['again', name])),
    sh: (text) => exec('sh', '-euc', text),
    push: async (source, target) => void (await run(SCRIPT, ['push', name, source, target])),
    [Symbol.asyncDispose]: async () => void (await run(SCRIPT, down)),
  };
}
