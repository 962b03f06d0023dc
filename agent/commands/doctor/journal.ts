import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const UNITS = ['mm-agent', 'mm-agent-boot'];
const MOST_LINES = 2000;
const MAX_CHARACTERS = 1024 ** 2;
/** A line of the log may have 8 kB and more. */
const MAX_BYTES = 64 * 1024 ** 2;
const LIMIT_MS = 20_000;

/**
 * The end of what the agent has logged, from the journal of systemd. Undefined where no journal has
 * anything of it.
 */
export async function agentJournal(program = 'journalctl'): Promise<string | undefined> {
  const argv = ['--no-pager', '--quiet', '--output=short-iso', `--lines=${MOST_LINES}`];
  const units = UNITS.map((unit) => `--unit=${unit}.service`);
  const found = await promisify(execFile)(program, [...argv, ...units], {
    env: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin:/bin' },
    maxBuffer: MAX_BYTES,
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  }).catch(() => undefined);
  const text = found?.stdout.trimEnd() ?? '';
  return text === '' ? undefined : `${wholeLines(text)}\n`;
}

function wholeLines(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  const end = text.slice(-MAX_CHARACTERS);
  return end.slice(end.indexOf('\n') + 1);
}
