import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAgent } from '../../agent/commands/open-agent.ts';
import type { Condition } from '../../agent/core/when/deferral.ts';
import { cycle } from '../../agent/cycle.ts';
import { parseOptions } from '../../agent/options.ts';
import { agentLab } from '../support/agent-lab.ts';

test('defer_on: a release waits for mains power; a person does not', async (t) => {
  const lab = await agentLab(t);
  const ran = join(lab.root, 'ran');
  const puppet = await lab.fakePuppet(`touch ${ran}`);
  await lab.configure(`run: { puppet: ${puppet} }\ndefer_on: [battery]\nlog: { level: error }\n`);
  lab.publish('1.0.0', { 'manifests/site.pp': '' });
  const keys = {
    AWS_ACCESS_KEY_ID: lab.user.accessKeyId,
    AWS_SECRET_ACCESS_KEY: lab.user.secretAccessKey,
  };
  // In this process: the conditions of this machine are not those of a Mac.
  const cycleWith = async (found: Condition | undefined, trigger: 'poll' | 'asked') => {
    const agent = await openAgent(parseOptions(['--once', '--root', lab.root]), keys);
    const never = new AbortController().signal;
    const request = { trigger, noop: false, ignoreWindow: false, tags: [], skipTags: [] };
    const byHand = { isTrial: false, keepsRelease: false, showDiff: false };
    await cycle(
      { ...agent, ports: { ...agent.ports, condition: async () => found } },
      { ...request, ...byHand, debug: false, prefetched: undefined, lockLost: never },
      never,
    );
    agent.ports.bucket.close();
    return lab.status();
  };

  const waiting = await cycleWith('battery', 'poll');
  assert.deepEqual([waiting.release, existsSync(ran)], [null, false]);
  assert.match(waiting.deferred?.why ?? '', /battery/);
  assert.match((await lab.run(['status'])).stdout, /^deferred +on battery power/m);
  const later = await cycleWith('battery', 'poll');
  assert.equal(later.deferred?.until, waiting.deferred?.until, 'the limit counts from the start');

  const ended = await cycleWith(undefined, 'poll');
  assert.deepEqual([ended.release?.version, ended.run?.status], ['1.0.0', 'unchanged']);
  assert.equal(ended.deferred, undefined);
  lab.publish('1.1.0', { 'manifests/site.pp': '# new\n' });
  const asked = await cycleWith('battery', 'asked');
  assert.equal(asked.release?.version, '1.1.0');
});
