import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before } from 'node:test';
import { builtProgram } from './built-program.ts';

/** The user "nobody" on every system: root uses it to run the commands of an ordinary user. */
export const NOBODY = 65_534;
export const isRoot = process.getuid?.() === 0;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs mm-agent as an ordinary user; call it once at the top of a test file. The program and its
 * Node are copied, because other users may not enter every checkout: one below /root, for example.
 */
export function ordinaryUsersAgent(): (argv: readonly string[]) => Promise<Ended> {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'miyamoto-others-'));
    await chmod(folder, 0o755);
    await copyFile(process.execPath, join(folder, 'node'));
    const [, program = ''] = await builtProgram('mm-agent');
    await cp(dirname(program), join(folder, 'dist'), { recursive: true });
    await chmod(join(folder, 'dist'), 0o755);
  });
  after(() => rm(folder, { recursive: true }));
  return async (argv) => {
    const child = spawn(join(folder, 'node'), [join(folder, 'dist/mm-agent.mjs'), ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
      env: {},
      ...(isRoot && { uid: NOBODY, gid: NOBODY }),
    });
    const [[code], stdout, stderr] = await Promise.all([
      once(child, 'close') as Promise<[number | null]>,
      text(child.stdout),
      text(child.stderr),
    ]);
    return { code, stdout, stderr };
  };
}
