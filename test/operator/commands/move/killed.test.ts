import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Bucket } from '../../../../bucket/bucket.ts';
import { openBucket } from '../../../../bucket/s3/sdk/sdk-bucket.ts';
import type { Context } from '../../../../operator/context.ts';
import { LogAnswer } from '../../../../operator/move-answers.ts';
import { sampleOf } from '../../../support/soak.ts';
import { hostOf } from '../../key-commands.ts';
import { copiedPerTest, initialized, type OperatorLab } from '../../operator-lab.ts';

/*
 * A command is killed before its first upload and after each one, and then run again as it was
 * typed. Hosts see the old state or the new one, and the end is the same as without the kill.
 */

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  publish: ['publish', 'stable', '--no-validate', '--reason', 'why'],
  promote: ['promote', 'testing', 'stable', '--older', '--yes', '--reason', 'why'],
  rollback: ['rollback', 'stable', '0.1.0', '--yes', '--reason', 'why'],
  hold: ['hold', 'stable', '--reason', 'why'],
};

/** Two releases of stable, one of testing, and a commit that is not published yet. */
const published = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  for (const environment of ['stable', 'testing', 'stable']) {
    await lab.git('checkout', '--quiet', environment === 'stable' ? 'main' : environment);
    await lab.commit('manifests/version.pp', `# ${lab.server.requests.length}\n`);
    const { exitCode, stderr } = await lab.mm(['publish', environment, '--no-validate']);
    assert.equal(exitCode, 0, stderr);
  }
  await lab.commit('manifests/version.pp', '# not published\n');
  return lab;
});

for (const [name, args] of Object.entries(COMMANDS)) {
  test(`killed: ${name} at each upload; the same command again completes it`, async (t) => {
    const whole = await published(t);
    const before = await seenBy(t, whole, 'before');
    const counted = killedBefore(Number.POSITIVE_INFINITY);
    assert.equal((await whole.mm(args, counted)).exitCode, 0);
    const wanted = await seenBy(t, whole, 'after');
    assert.notDeepEqual(wanted, before);
    const history = await historyOf(whole);
    const total = counted.uploads();
    // The first one is killed after the commit, where the command verifies what hosts see.
    for (const count of sampleOf([...Array(total + 1).keys()].reverse(), 2)) {
      const lab = await published(t);
      assert.deepEqual(await seenBy(t, lab, 'old'), before);
      const killed = killedBefore(count);
      await lab.mm(args, killed);
      assert.ok(killed.isDead(), 'it ended before it was killed');
      const halfway = await seenBy(t, lab, 'old');
      assert.deepEqual(await seenBy(t, lab, 'new'), halfway);
      if (JSON.stringify(halfway) !== JSON.stringify(wanted)) assert.deepEqual(halfway, before);
      const again = await lab.mm(args);
      assert.equal(again.exitCode, 0, `killed after ${count} uploads: ${again.stderr}`);
      for (const host of ['old', 'new']) assert.deepEqual(await seenBy(t, lab, host), wanted);
      assert.deepEqual(await historyOf(lab), history, `killed after ${count} uploads`);
    }
  });
}

interface Killed extends Pick<Context, 'openBucket'> {
  /** Whether the command came to a request that it did not send. */
  isDead(): boolean;
  /** How many objects it has uploaded. */
  uploads(): number;
}

/**
 * Uploads `count` objects, and then sends no request any more. The command ends by an exception and
 * releases its lock, as the system does after a real kill.
 */
function killedBefore(count: number): Killed {
  let sent = 0;
  let isDead = false;
  const next = async (isUpload = false): Promise<void> => {
    isDead ||= sent === count && (isUpload || count > 0);
    if (isDead) throw new Error('killed');
    if (isUpload) sent += 1;
  };
  return {
    isDead: () => isDead,
    uploads: () => sent,
    async openBucket(name, settings) {
      const bucket: Bucket = await openBucket(name, settings);
      return {
        name,
        get: (...args) => next().then(() => bucket.get(...args)),
        open: (...args) => next().then(() => bucket.open(...args)),
        put: (...args) => next(true).then(() => bucket.put(...args)),
        remove: (...args) => next().then(() => bucket.remove(...args)),
        async *list(...args) {
          await next();
          yield* bucket.list(...args);
        },
        multipart: bucket.multipart,
        awsCommand: (words) => bucket.awsCommand(words),
        close: () => bucket.close(),
      };
    },
  };
}

/** What that host, at its next poll, is to run. */
async function seenBy(t: TestContext, lab: OperatorLab, name: string): Promise<unknown> {
  const { trusted } = await (await hostOf(t, lab, name)).poll();
  const { current, next } = trusted.environments.get('stable') ?? {};
  const { version, hold, change } = current?.custom ?? {};
  return { sha256: current?.sha256, version, hold, action: change?.action, next };
}

async function historyOf(lab: OperatorLab): Promise<readonly string[]> {
  const { json } = await lab.mm(['log', 'stable', '--json']);
  const { entries } = LogAnswer.parse(json);
  return entries.map(({ action, release, reason }) => `${action} ${release.version} ${reason}`);
}
