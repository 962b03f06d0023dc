import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

/** OpenSSH's ssh-agent in a temporary directory. It is stopped after the test. */
export interface RealAgent {
  readonly directory: string;
  /** The environment with SSH_AUTH_SOCK, for clients of the agent. */
  readonly env: NodeJS.ProcessEnv;
  /** Makes a key pair. Returns the file of the private part. */
  keygen(name: string, ...type: readonly string[]): Promise<string>;
  /** Makes a key pair and gives it to the agent. */
  holdNew(name: string, ...type: readonly string[]): Promise<string>;
  sshAdd(...args: readonly string[]): Promise<string>;
  /** Stops the agent. */
  stop(): Promise<void>;
}

export const ED25519 = ['-t', 'ed25519'] as const;
export const P256 = ['-t', 'ecdsa', '-b', '256'] as const;
export const RSA = ['-t', 'rsa', '-b', '2048'] as const;

export async function startAgent(t: TestContext): Promise<RealAgent> {
  const directory = await temporaryDirectory(t);
  const socket = join(directory, 'agent.sock');
  // No person can confirm or type here: every prompt gets "no", and "ssh-add -x" reads a passphrase
  // from its stdin.
  const asks = { SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' };
  const PATH = process.env['PATH'];
  const env = { PATH, HOME: directory, SSH_AUTH_SOCK: socket };
  const child = spawn('ssh-agent', ['-D', '-a', socket], {
    env: { PATH, ...asks },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  t.after(stop);
  await once(child.stdout, 'data'); // it prints its socket when it listens
  const sshAdd = (...args: readonly string[]) => runWith('ssh-add', args, env);
  const keygen = async (name: string, ...type: readonly string[]) => {
    const path = join(directory, name);
    await runWith('ssh-keygen', ['-q', ...type, '-N', '', '-C', name, '-f', path], env);
    return path;
  };
  return {
    directory,
    env,
    keygen,
    sshAdd,
    stop,
    async holdNew(name, ...type) {
      const path = await keygen(name, ...type);
      await sshAdd(path);
      return path;
    },
  };
}

/** For "ssh-add -x" and "-X", which read a passphrase at most twice. */
const STDIN = 'agent passphrase\nagent passphrase\n';

function runWith(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env }, (error, stdout, stderr) => {
      assert.equal(error, null, `${program} ${args.join(' ')}: ${stderr}`);
      resolve(stdout);
    });
    child.stdin?.on('error', () => undefined); // not every command reads its stdin
    child.stdin?.end(STDIN);
  });
}
