import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDisabled, writeDisabled } from '../../../agent/steps/disabled.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fakeLog } from '../../support/fake-log.ts';

const NOW = Date.parse('2026-11-23T10:00:00.000Z');

async function inDirectory(
  body: (paths: { disabledFile: string; puppetDisabledFiles: string[] }) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'mm-disabled-'));
  try {
    await body({
      disabledFile: join(directory, 'disabled.json'),
      puppetDisabledFiles: [join(directory, 'agent_disabled.lock')],
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}
const ports = () => ({ clock: new FakeClock(NOW), log: fakeLog() });

test('disabled: not disabled without a file', () =>
  inDirectory(async (paths) => assert.equal(readDisabled(paths, ports()), null)));

test('disabled: with reason, owner and time', () =>
  inDirectory(async (paths) => {
    const disabled = { reason: 'migration', by: 'ada', until: '2026-11-23T12:00:00.000Z' };
    writeDisabled(paths.disabledFile, disabled);
    assert.deepEqual(readDisabled(paths, ports()), disabled);
  }));

test('disabled: an expired file is removed and reported', () =>
  inDirectory(async (paths) => {
    const until = '2026-11-23T09:00:00.000Z';
    writeDisabled(paths.disabledFile, { reason: 'x', by: null, until });
    const world = ports();
    assert.equal(readDisabled(paths, world), null);
    await assert.rejects(access(paths.disabledFile));
    assert.equal(world.log.lines[0]?.event, 'agent.enabled');
  }));

test('disabled: a file that cannot be parsed disables', () =>
  inDirectory(async (paths) => {
    await writeFile(paths.disabledFile, 'not now');
    assert.match(readDisabled(paths, ports())?.reason ?? '', /disabled\.json/);
  }));

test("disabled: Puppet's own lock is honoured", () =>
  inDirectory(async (paths) => {
    const [lock] = paths.puppetDisabledFiles;
    await writeFile(lock!, '{"disabled_message":"upgrade"}');
    assert.deepEqual(readDisabled(paths, ports()), {
      reason: 'upgrade',
      by: 'puppet',
      until: null,
    });
  }));

const ODD: Record<string, (path: string) => unknown> = {
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a link to /dev/zero': (path) => symlink('/dev/zero', path),
  'a link to nothing': (path) => symlink('/nowhere', path),
  'a directory': (path) => mkdir(path),
  'a large file': (path) => writeFile(path, 'x'.repeat(100_000)),
};

for (const [name, make] of Object.entries(ODD)) {
  test(`row 19: ${name} as agent_disabled.lock or as disabled.json disables`, () =>
    inDirectory(async (paths) => {
      const [lock = ''] = paths.puppetDisabledFiles;
      await make(lock);
      const puppets = readDisabled(paths, ports());
      assert.equal(puppets?.by, 'puppet');
      assert.match(puppets.reason, /agent_disabled\.lock exists, but it/);
      await make(paths.disabledFile);
      const ours = readDisabled(paths, ports());
      assert.equal(ours?.by, null);
      assert.match(ours.reason, /disabled\.json exists, but it/);
    }));
}
