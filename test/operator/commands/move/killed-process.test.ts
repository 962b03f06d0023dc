import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { builtProgram } from '../../../support/built-program.ts';
import type { FaultRule } from '../../../support/s3/faults.ts';
import { waitUntil } from '../../../support/wait-until.ts';
import { hostOf } from '../../key-commands.ts';
import { BUCKET, copiedPerTest, initialized, type OperatorLab } from '../../operator-lab.ts';

/*
 * The process of mm itself gets SIGKILL while the store does not answer. What it leaves behind (its
 * lock, its kept state, files in the bucket) must not keep the same command from completing.
 */

const TIMESTAMP = 'ubuntu/manifests/metadata/timestamp.json';
const PUBLISH = ['publish', 'stable', '--no-validate'];
const PROMOTE = ['promote', 'testing', 'stable', '--older', '--yes'];
const COMMIT = { method: 'PUT', key: TIMESTAMP };

interface Row {
  readonly args: readonly string[];
  /** During which request it is killed. */
  readonly at: FaultRule & {
    readonly match: { readonly method: string; readonly key: string | RegExp };
  };
}

const ROWS: Readonly<Record<string, Row>> = {
  'publish, before the tarball is there': {
    args: PUBLISH,
    at: { kind: 'hang', match: { method: 'PUT', key: /\/blobs\// } },
  },
  'publish, before the commit point': { args: PUBLISH, at: { kind: 'hang', match: COMMIT } },
  'publish, after the commit point': { args: PUBLISH, at: { kind: 'hang-after', match: COMMIT } },
  'promote, before the commit point': { args: PROMOTE, at: { kind: 'hang', match: COMMIT } },
  'promote, after the commit point': { args: PROMOTE, at: { kind: 'hang-after', match: COMMIT } },
};

const published = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  for (const [environment, branch] of [
    ['testing', 'testing'],
    ['stable', 'main'],
  ] as const) {
    await lab.git('checkout', '--quiet', branch);
    await lab.commit('manifests/version.pp', `# ${environment}\n`);
    assert.equal((await lab.mm(['publish', environment, '--no-validate'])).exitCode, 0);
  }
  await lab.commit('manifests/version.pp', '# not published\n');
  return lab;
});

test('killed process: the same command again ends as without SIGKILL', async (t) => {
  const wanted = new Map<readonly string[], unknown>();
  for (const args of [PUBLISH, PROMOTE]) {
    const whole = await published(t);
    assert.equal((await whole.mm(args)).exitCode, 0);
    wanted.set(args, await offered(t, whole));
  }
  for (const [name, row] of Object.entries(ROWS)) {
    const lab = await published(t);
    const before = await offered(t, lab);
    const isCommitted = await killDuring(t, lab, row);
    const after = await offered(t, lab);
    assert.deepEqual(after, isCommitted ? wanted.get(row.args) : before, name);
    const [lock = ''] = globSync(join(lab.repository, '.miyamoto/**/lock'));
    assert.notEqual(lock, '', `${name}: it was killed while it held its lock`);
    const again = await lab.mm(row.args);
    assert.equal(again.exitCode, 0, `${name}: ${again.stderr}`);
    assert.doesNotMatch(again.stderr, /waiting for its lock/, name);
    assert.deepEqual(await offered(t, lab), wanted.get(row.args), name);
    const kept = await readdir(join(lab.repository, '.miyamoto/ubuntu'));
    assert.deepEqual(
      kept.filter((file) => !['gates', 'trust'].includes(file)),
      [],
      name,
    );
  }
});

/** Returns whether the commit point was written. */
async function killDuring(t: TestContext, lab: OperatorLab, { args, at }: Row): Promise<boolean> {
  const [node = '', ...mm] = await builtProgram('mm');
  const before = String(lab.server.get(BUCKET, TIMESTAMP));
  const isCommitted = () => String(lab.server.get(BUCKET, TIMESTAMP)) !== before;
  lab.server.faults.add(at);
  const child = spawn(node, [...mm, ...args], {
    cwd: lab.repository,
    env: { ...process.env, HOME: join(lab.directory, 'home') },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const { method, key: wanted } = at.match;
  await waitUntil(() => {
    const isSent = lab.server.requests.some(
      ({ key, ...request }) =>
        request.method === method &&
        request.status === 0 &&
        (typeof wanted === 'string' ? wanted === key : wanted.test(key)),
    );
    return isSent && (at.kind === 'hang' || isCommitted());
  });
  child.kill('SIGKILL');
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  lab.server.faults.clear();
  return isCommitted();
}

/** What a new host is to run. */
async function offered(t: TestContext, lab: OperatorLab): Promise<unknown> {
  const host = await hostOf(t, lab, `host-${Math.random()}`);
  const { current, next } = (await host.poll()).trusted.environments.get('stable') ?? {};
  return { sha256: current?.sha256, version: current?.custom.version, next };
}
