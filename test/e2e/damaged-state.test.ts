import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { activeRelease } from '../../agent/steps/activate.ts';
import { sampleOf } from '../support/soak.ts';
import { bucketHas, filesOf, workingHost } from '../support/working-host.ts';

/** What a bad disk, or a person, can do to a file. */
const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'has no bytes': (path) => truncateSync(path, 0),
  'has half of its bytes': (path) => truncateSync(path, lstatSync(path).size >> 1),
  'lacks its last byte': (path) => truncateSync(path, Math.max(0, lstatSync(path).size - 1)),
  'has other bytes': (path) => writeFileSync(path, randomBytes(lstatSync(path).size)),
  'is not there': (path) => rmSync(path),
};

const LINK_DAMAGES: typeof DAMAGES = {
  'is not there': (path) => rmSync(path),
  'leads nowhere': (path) => {
    rmSync(path);
    symlinkSync('nowhere', path);
  },
  'is a file': (path) => {
    rmSync(path);
    writeFileSync(path, '');
  },
};

/** The state of another version: each key of a document may be new in this one. */
function keyDamages(path: string): typeof DAMAGES {
  if (!path.endsWith('.json') || path.includes('/generation-')) return {};
  const keys = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const rewrite = (change: object) => (file: string) => {
    writeFileSync(file, JSON.stringify({ ...keys, ...change }));
  };
  const missing = Object.keys(keys).map((key) => [`lacks ${key}`, rewrite({ [key]: undefined })]);
  return {
    ...(Object.fromEntries(missing) as typeof DAMAGES),
    'has a key of a newer version': rewrite({ newer: { a: [1] } }),
    'has another schema': rewrite({ schemaVersion: 0 }),
  };
}

test('damaged state: whatever file is damaged, the next cycle repairs it', async (t) => {
  const { lab, host, turn, old, putBack } = await workingHost(t);
  const { state } = host.paths;
  const files = filesOf(state);
  t.diagnostic(`${files.length} files: ${files.join(' ')}`);
  const rows = files.flatMap((file) => {
    const path = join(state, file);
    const isLink = lstatSync(path).isSymbolicLink();
    const damages = isLink ? LINK_DAMAGES : { ...DAMAGES, ...keyDamages(path) };
    return Object.entries(damages).map(([name, damage]) => ({
      file,
      damage,
      what: `${file} ${name}`,
    }));
  });
  for (const { file, damage, what } of sampleOf(rows, 15)) {
    putBack();
    damage(join(state, file));
    // A thief of the bucket, who has found an old backup, is not helped by it.
    bucketHas(lab, old);
    host.log.lines.length = 0;
    await turn().catch((error: unknown) => assert.fail(`${what}: ${(error as Error).stack}`));
    assert.notEqual(lab.status().release?.version, '1.0.0', what);
    assert.notEqual(lab.status().trust.state, 'ok', what);

    putBack();
    damage(join(state, file));
    host.log.lines.length = 0;
    await turn().catch((error: unknown) => assert.fail(`${what}: ${(error as Error).stack}`));
    const said = JSON.stringify(host.log.lines);
    const { release, trust, run, otherWriter } = lab.status();
    assert.deepEqual(
      [release?.version, trust.state, trust.error, run?.status, otherWriter],
      ['1.1.0', 'ok', null, 'unchanged', undefined],
      `${what}: ${said}`,
    );
    assert.equal(activeRelease(host.paths, 'stable'), release?.sha256, what);
    assert.deepEqual(
      filesOf(state).filter((name) =>
        /\.(tmp|partial|deleting|next|unverified|gz\.tmp)$/.test(name),
      ),
      [],
      what,
    );
  }
  t.diagnostic(`${rows.length} damages`);
});
