import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { activeRelease } from '../../agent/steps/activate.ts';
import { hostStatusKey } from '../../bucket/layout.ts';
import {
  type AgentLab,
  agentLab,
  BUCKET,
  CERTNAME,
  manifestWriting,
  TREE,
} from '../support/agent-lab.ts';
import { HostInProcess } from '../support/host-in-process.ts';
import { sampleOf } from '../support/soak.ts';

const STATUS_KEY = hostStatusKey(TREE, CERTNAME);

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

/**
 * A host that runs 1.1.0 and has run 1.0.0. Each file of its state can be damaged and put back, and
 * so can its bucket.
 */
async function workingHost(t: TestContext) {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet('echo Notice: a run');
  await lab.configure(`run: { puppet: ${puppet} }\nlog: { level: error }\n`);
  const host = new HostInProcess({
    user: lab.user,
    packagedRoot: lab.simulator.files.get('1.root.json')!,
    config: readFileSync(lab.paths.configFile, 'utf8'),
    onRun: undefined,
  });
  t.after(() => host[Symbol.dispose]());
  const turn = async () => await host.turn({ trigger: 'apply', s3: {} });
  lab.simulator.rotateOnline('timestamp', 'snapshot');
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  await turn();
  const old = new Map(lab.simulator.files);
  lab.publish('1.1.0', manifestWriting('/nowhere', 'two'));
  await turn();
  const working = new Map(lab.simulator.files);
  const status = lab.server.get(BUCKET, STATUS_KEY)!;
  const { state } = host.paths;
  const copy = `${state}.copy`;
  cpSync(state, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return {
    ...{ lab, host, turn, old, working },
    putBack(): void {
      rmSync(state, { recursive: true });
      cpSync(copy, state, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      lab.server.put(BUCKET, STATUS_KEY, status);
      bucketHas(lab, working);
    },
  };
}

function bucketHas(lab: AgentLab, files: ReadonlyMap<string, Buffer>): void {
  lab.simulator.files = new Map(files);
  for (const key of lab.server.keys(BUCKET))
    if (key.endsWith('.json') && key.includes('/metadata/')) lab.server.delete(BUCKET, key);
  lab.sync();
}

/** Puppet's code is Puppet's to read. A reserve only takes space. */
const NOT_READ = /^(releases\/\w+\/tree\/|reserves\/)/;

function filesOf(directory: string, below = ''): string[] {
  const entries = readdirSync(join(directory, below), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const name = join(below, entry.name);
    if (entry.isDirectory()) return filesOf(directory, name);
    return NOT_READ.test(name) ? [] : [name];
  });
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
