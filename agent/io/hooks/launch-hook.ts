import { closeSync, openSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sendSignal } from '../host/processes.ts';
import { runEnvironment } from '../puppet/environment.ts';
import { type Command, launchInGroup } from '../puppet/process/launch.ts';
import type { Launched } from '../puppet/process/supervise.ts';
import { launchedIn, launchInUnit, unitName } from '../puppet/process/unit.ts';

export interface HookLaunch {
  /** Absolute path of the program. */
  readonly path: string;
  /** An existing directory for its input and its environment. */
  readonly directory: string;
  /** Its stdin. */
  readonly input: string;
  /** Variables in addition to those of the system. */
  readonly environment: Readonly<Record<string, string>>;
  readonly output: Command['output'];
  /** After this time nothing of the hook is left, even if the agent has died. */
  readonly lastSeconds: number;
  readonly launcher: 'group' | 'systemd';
}

/**
 * Starts a hook like a run of Puppet: in a unit of systemd when the agent is in a sandbox, else in
 * a process group. What it leaves running when it ends, ends with it.
 */
export async function launchHook(hook: HookLaunch): Promise<Launched> {
  const input = join(hook.directory, 'input.json');
  writeFileSync(input, hook.input, { mode: 0o600 });
  return hook.launcher === 'systemd' ? await inUnit(hook, input) : await inGroup(hook, input);
}

async function inUnit(hook: HookLaunch, input: string): Promise<Launched> {
  const name = unitName('hook', `${basename(hook.path)}-${process.pid}-${Date.now()}`);
  const environmentFile = join(hook.directory, 'environment.sh');
  const limitSeconds = hook.lastSeconds;
  await launchInUnit(
    { ...commandOf(hook), path: hook.path, arguments: [] },
    { name, limitSeconds, environmentFile, input },
  );
  return await launchedIn(name);
}

/**
 * A second process of the group kills the group after its time, because the agent may have died by
 * then. It belongs to init, so that the hook does not see a child that it has not started.
 */
const WITH_LIMIT = '( (sleep "$1"; kill -KILL 0) & ) >/dev/null 2>&1; shift; exec "$@"';

async function inGroup(hook: HookLaunch, input: string): Promise<Launched> {
  const fd = openSync(input, 'r');
  try {
    const { pid, ended } = await launchInGroup({
      ...commandOf(hook),
      path: '/bin/sh',
      // The shell begins its own messages with the first word after the script.
      arguments: ['-c', WITH_LIMIT, 'mm-agent', String(hook.lastSeconds), hook.path],
      input: fd,
    });
    const endGroup = (): void => {
      // The process with the limit is still a member, so no other group can have the number.
      if (pid !== undefined) sendSignal(-pid, 'SIGKILL');
    };
    return { pid, ended: ended.finally(endGroup) };
  } finally {
    closeSync(fd);
  }
}

function commandOf({ environment, output }: HookLaunch): Pick<Command, 'environment' | 'output'> {
  return { environment: runEnvironment(undefined, environment), output };
}
