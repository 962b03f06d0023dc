import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { changed } from '../../key-commands.ts';
import { ciLabs, evilRelease, Thief } from '../key/theft.ts';

const VERSION = 20;

const twoKeys = ciLabs((lab) =>
  changed(lab, ['key', 'rotate', '--role', 'testing', '--add', 'operator']),
);

test('rollback: what a thief published and an operator put on hold is no release to go back to', async (t) => {
  const lab = await twoKeys(t);
  const target = lab.metadata('3.env-testing.json').signed.targets['testing/current'];
  const other = evilRelease(lab, target);
  const thief = new Thief(lab);
  await thief.signTesting(VERSION, { targets: { 'testing/current': other } });
  await thief.signOnline({ 'env-testing': VERSION });
  await rm(lab.testing);
  const run = async (...args: string[]) => {
    const { exitCode, json, stderr } = await lab.mm([...args, '--json']);
    assert.equal(exitCode, 0, stderr);
    return json;
  };
  await run('hold', 'testing', '--reason', 'strange');
  const publish = ['publish', 'testing', '--no-validate', '--force', '--despite-hold'];
  const fixed = await run(...publish, '--version', '0.2.0');
  await run('key', 'revoke', 'ci');
  const { exitCode, json } = await lab.mm([
    'rollback',
    'testing',
    '--despite-hold',
    '--yes',
    '--json',
  ]);
  assert.notEqual(exitCode, 0);
  assert.deepEqual(
    [json.error.code, json.error.next],
    ['NOT_CONFIRMED', `the same command with ${other.hashes.sha256.slice(0, 12)}`],
  );
  const { current } = await run(
    'rollback',
    'testing',
    fixed.release.sha256,
    '--despite-hold',
    '--yes',
  );
  assert.equal(current.sha256, fixed.release.sha256);
});
