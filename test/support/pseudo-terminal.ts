import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** A command on a separate terminal, as a person at the keyboard sees it. */
export interface PseudoTerminal {
  /** All that the terminal has shown so far. */
  readonly shown: string;
  type(keys: string | Uint8Array): void;
  /** Waits until the text appears after what was last seen; throws after two minutes. */
  see(text: string): Promise<void>;
  /** The exit code; 128 plus the number of a signal that ended it; -1 after a minute. */
  readonly ended: Promise<number>;
}

/** By script(1), which a minimal Debian has. `command` is a shell's text. */
export function openTerminal(
  command: string,
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): PseudoTerminal {
  const isMac = process.platform === 'darwin';
  const argv = isMac
    ? ['-q', '/dev/null', 'sh', '-c', command]
    : ['--quiet', '--return', '--command', command, '/dev/null'];
  const child = spawn('script', argv, {
    ...options,
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 300_000,
  });
  let shown = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  const see = async (text: string): Promise<void> => {
    for (const end = Date.now() + 120_000; ; await delay(10)) {
      const at = shown.indexOf(text, seen);
      if (at >= 0) {
        seen = at + text.length;
        return;
      }
      if (Date.now() > end) {
        child.kill('SIGKILL');
        throw new Error(`wanted to see ${JSON.stringify(text)}, saw ${JSON.stringify(shown)}`);
      }
    }
  };
  return {
    get shown() {
      return shown;
    },
    type: (keys) => void child.stdin.write(keys),
    see,
    ended: exitCode(child),
  };
}

async function exitCode(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? -1;
}
