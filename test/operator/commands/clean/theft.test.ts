import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CleanAnswer } from '../../../../operator/clean-answer.ts';
import { BUCKET } from '../../operator-lab.ts';
import { ciLabs, Thief } from '../key/theft.ts';

const DAY = 86_400_000;

/** The operator and ci may sign the binaries; the operator has signed a list with one. */
const binariesLab = ciLabs(async (lab) => {
  const file = join(lab.directory, 'a.deb');
  await writeFile(file, 'package');
  for (const args of [
    ['binaries', 'init'],
    ['binaries', 'put', file],
    ['key', 'rotate', '--role', 'binaries', '--add', 'ci'],
  ]) {
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, stderr);
  }
});

async function scene(t: TestContext) {
  const lab = await binariesLab(t);
  const thief = new Thief(lab);
  const on = (day: number) => {
    lab.server.dateOffsetMs = day * DAY;
    return { now: () => Date.now() + day * DAY };
  };
  return {
    ...lab,
    on,
    /** The thief signs a list without binaries, and leads hosts to it. */
    async empties(version: number, fields: object = {}): Promise<void> {
      await thief.signRole('binaries', version, { targets: {}, ...fields });
      await thief.signOnline({ binaries: version });
    },
    /** The same, without a host that is led to it. */
    plants: (version: number, fields: object) =>
      thief.signRole('binaries', version, { targets: {}, ...fields }),
    /** The keys of ci are not on the machine of the operator. */
    hidesKey: async () => await rename(lab.testing, join(lab.directory, 'ci.json')),
    async clean(day: number): Promise<{ removed: number; waiting: number }> {
      const done = await lab.mm(['clean', '--yes', '--json'], on(day));
      assert.equal(done.exitCode, 0, done.stderr);
      const { removed, waiting } = CleanAnswer.parse(done.json);
      return { removed: removed.length, waiting: waiting.length };
    },
    isThere: () => lab.server.keys(BUCKET).some((key) => key.endsWith('.a.deb')),
  };
}

for (const where of ['elsewhere', 'on this machine']) {
  test(`clean: a thief who empties the list of binaries removes none; the key is ${where}`, async (t) => {
    const lab = await scene(t);
    await lab.empties(7);
    if (where === 'elsewhere') await lab.hidesKey();
    // Nobody has looked for 100 days.
    assert.deepEqual(await lab.clean(100), { removed: 0, waiting: 1 });
    assert.deepEqual(await lab.clean(189), { removed: 0, waiting: 1 });
    assert.ok(lab.isThere());
    assert.deepEqual(await lab.clean(191), { removed: 1, waiting: 0 });
  });
}

test('clean: dates, reasons and files that a thief prepared bring no removal nearer', async (t) => {
  const lab = await scene(t);
  const [{ hashes }] = Object.values(lab.metadata('2.binaries.json').signed.targets) as [
    { hashes: { sha256: string } },
  ];
  const removed = { name: 'a.deb', sha256: hashes.sha256, by: 'ci', reason: '' };
  const forged = { 'x-removed': [{ ...removed, at: '2020-01-01T00:00:00Z' }] };
  await lab.plants(7, forged);
  lab.on(100);
  await lab.empties(8, forged);
  await lab.hidesKey();
  assert.deepEqual(await lab.clean(101), { removed: 0, waiting: 1 });
  // The operator signs the same list again, and has not noticed.
  const renewed = await lab.mm(['renew', 'binaries'], lab.on(102));
  assert.equal(renewed.exitCode, 0, renewed.stderr);
  assert.deepEqual(await lab.clean(190), { removed: 0, waiting: 1 });
  assert.ok(lab.isThere());
});

test('clean: what a thief took out and the operator put back begins again', async (t) => {
  const lab = await scene(t);
  await lab.empties(7);
  await lab.hidesKey();
  assert.deepEqual(await lab.clean(100), { removed: 0, waiting: 1 });
  const file = join(lab.directory, 'a.deb');
  const put = await lab.mm(['binaries', 'put', file], lab.on(101));
  assert.equal(put.exitCode, 0, put.stderr);
  assert.deepEqual(await lab.clean(150), { removed: 0, waiting: 0 });
  const gone = await lab.mm(['binaries', 'remove', 'a.deb', '--yes'], lab.on(160));
  assert.equal(gone.exitCode, 0, gone.stderr);
  assert.deepEqual(await lab.clean(249), { removed: 0, waiting: 0 });
  assert.deepEqual(await lab.clean(251), { removed: 1, waiting: 0 });
});
