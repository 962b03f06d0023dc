import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../operator/answers.ts';
import type { Context } from '../../../operator/context.ts';
import type { FaultRule } from '../../support/s3/faults.ts';
import { sampleOf } from '../../support/soak.ts';
import { sampleStatus } from '../../support/status-sample.ts';
import { requireSoundCommands } from '../next-command.ts';
import {
  BUCKET,
  copiedPerTest,
  type Done,
  initialized,
  type OperatorLab,
  snapshotOf,
} from '../operator-lab.ts';

/*
 * What goes wrong outside of mm, tried on the commands that ask the bucket. Each answer is one
 * error with a code and a command to go on with, and nothing has changed.
 */

const DAY_MS = 86_400_000;
const TIMESTAMP = 'ubuntu/manifests/metadata/timestamp.json';
const REASON = ['--reason', 'x'];

type Commands = Readonly<Record<string, readonly string[]>>;

const WRITES: Commands = {
  publish: ['publish', 'stable', '--no-validate'],
  promote: ['promote', 'testing', 'stable', '--older', '--yes'],
  rollback: ['rollback', 'stable', '--yes'],
  hold: ['hold', 'stable', ...REASON],
  stop: ['stop', 'stable', ...REASON],
  resume: ['resume', 'testing'],
  rollout: ['rollout', 'stable', '--percent', '5', '--from', 'testing', '--older', '--yes'],
  renew: ['renew', 'stable'],
  'binaries put': ['binaries', 'put', 'new.deb'],
  'binaries remove': ['binaries', 'remove', 'old.deb', '--yes'],
};
const REMOVALS: Commands = {
  clean: ['clean', '--yes'],
  forget: ['forget', 'web1', '--yes', '--force'],
};
const READS: Commands = {
  releases: ['releases'],
  status: ['status'],
  log: ['log'],
  'binaries list': ['binaries', 'list'],
  'fleet sync': ['fleet', 'sync'],
};
const ALL: Commands = { ...WRITES, ...REMOVALS, ...READS };
/** `mm renew ENVIRONMENT` names a role: `wrong-words.test.ts`. */
const UNKNOWN: Commands = {
  publish: ['publish', 'nope', '--no-validate'],
  promote: ['promote', 'testing', 'nope', '--yes'],
  'promote from': ['promote', 'nope', 'stable', '--yes'],
  rollback: ['rollback', 'nope', '--yes'],
  hold: ['hold', 'nope', ...REASON],
  stop: ['stop', 'nope', ...REASON],
  resume: ['resume', 'nope'],
  rollout: ['rollout', 'nope', '--percent', '5', '--yes'],
  'rollout status': ['rollout', 'status', 'nope'],
  releases: ['releases', 'nope'],
  log: ['log', 'nope'],
};

/** What concerns every request is tried on a part of the commands: CPU time counts. */
function part(commands: Commands, which: 0 | 1 | 2 | 3): Commands {
  return Object.fromEntries(Object.entries(commands).filter((_, index) => index % 4 === which));
}

interface Row {
  readonly commands: Commands;
  readonly code: string;
  readonly fault?: FaultRule;
  /** More options. */
  readonly more?: readonly string[];
  readonly isWithoutCredentials?: true;
}

function refusal(status: number, code: string, match: FaultRule['match'] = {}): FaultRule {
  return { kind: 'status', status, code, match };
}

const ROWS: Readonly<Record<string, Row>> = {
  'no right to read': {
    commands: ALL,
    code: 'S3_ACCESS_DENIED',
    fault: refusal(403, 'AccessDenied', { method: 'GET' }),
  },
  'no right to write': {
    commands: WRITES,
    code: 'S3_ACCESS_DENIED',
    fault: refusal(403, 'AccessDenied', { method: 'PUT' }),
  },
  // `mm clean` has nothing old enough to remove here: clean.test.ts.
  'no right to remove': {
    commands: { forget: REMOVALS['forget'] ?? [] },
    code: 'S3_ACCESS_DENIED',
    fault: refusal(403, 'AccessDenied', { method: 'DELETE' }),
  },
  'an overloaded store': {
    commands: part(ALL, 0),
    code: 'S3_SLOW_DOWN',
    fault: refusal(503, 'SlowDown'),
  },
  'no bucket': {
    commands: part(ALL, 1),
    code: 'S3_BUCKET_MISSING',
    fault: refusal(404, 'NoSuchBucket'),
  },
  'another region': {
    commands: part(ALL, 2),
    code: 'S3_REGION_WRONG',
    fault: refusal(400, 'AuthorizationHeaderMalformed'),
  },
  'a wrong clock': {
    commands: part(ALL, 3),
    code: 'S3_CLOCK_SKEWED',
    fault: refusal(403, 'RequestTimeTooSkewed'),
  },
  'an unknown access key': {
    commands: part(ALL, 0),
    code: 'S3_CREDENTIALS_REJECTED',
    fault: refusal(403, 'InvalidAccessKeyId'),
  },
  'no credentials': {
    commands: part(ALL, 1),
    code: 'S3_CREDENTIALS_MISSING',
    isWithoutCredentials: true,
  },
  'no server at the endpoint': {
    commands: part(ALL, 2),
    code: 'S3_UNREACHABLE',
    more: ['--config', 'nowhere.yaml'],
  },
  'an unknown environment': { commands: UNKNOWN, code: 'ENVIRONMENT_UNKNOWN' },
  'no key here': {
    commands: part(WRITES, 3),
    code: 'KEY_MISSING',
    more: ['--keys', '../no-keys'],
  },
  'a key that no role has': {
    commands: WRITES,
    code: 'KEY_MISSING',
    more: ['--keys', '../other-keys'],
  },
};

const badLab = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  for (const [environment, branch] of [
    ['stable', 'main'],
    ['testing', 'testing'],
    ['stable', 'main'],
  ] as const) {
    await lab.git('checkout', '--quiet', branch);
    await lab.commit('manifests/site.pp', `# ${lab.server.requests.length}\n`);
    await succeeds(lab, ['publish', environment, '--no-validate']);
  }
  await lab.commit('manifests/site.pp', '# not published\n');
  await succeeds(lab, ['hold', 'testing', ...REASON]);
  await succeeds(lab, ['binaries', 'init']);
  for (const name of ['old.deb', 'new.deb']) await lab.write(name, name);
  await succeeds(lab, ['binaries', 'put', 'old.deb']);
  await succeeds(lab, ['key', 'new', 'other', '--keys', '../other-keys']);
  const web1 = JSON.stringify({ ...sampleStatus, certname: 'web1' });
  lab.server.put(BUCKET, 'ubuntu/status/hosts/web1.json', web1);
  return lab;
});

async function succeeds(lab: OperatorLab, args: readonly string[], more: Partial<Context> = {}) {
  const { exitCode, stderr } = await lab.mm(args, more);
  assert.equal(exitCode, 0, `mm ${args.join(' ')}: ${stderr}`);
}

/** A fault is tried once: the pauses between tries are tested elsewhere. */
async function configure(lab: OperatorLab): Promise<void> {
  const config = join(lab.repository, 'miyamoto.yaml');
  const text = (await readFile(config, 'utf8')).replace(/^s3:\n/m, 's3:\n  max_attempts: 1\n');
  await writeFile(config, text);
  const nowhere = text.replace(lab.server.endpoint, 'http://127.0.0.1:1');
  await writeFile(join(lab.repository, 'nowhere.yaml'), nowhere);
}

test('bad input: one error, a command to go on with, and nothing has changed', async (t) => {
  const lab = await badLab(t);
  await configure(lab);
  const objects = snapshotOf(lab.server);
  for (const [what, row] of Object.entries(ROWS)) {
    for (const [name, args] of sampleOf(Object.entries(row.commands), 3)) {
      const done = await faulty(lab, row, [...args, ...(row.more ?? []), '--json']);
      requireOneError(done, row.code, `${name}: ${what}`);
      for (const [key, bytes] of objects) {
        assert.ok(lab.server.get(BUCKET, key)?.equals(bytes), `${name}: ${what}: ${key}`);
      }
    }
  }
  // What the failed commands have left is in nobody's way.
  const { rollout: _, rollback: __, stop: ___, ...others } = ALL;
  for (const args of Object.values(others)) await succeeds(lab, args);
});

async function faulty(lab: OperatorLab, row: Row, args: readonly string[]): Promise<Done> {
  const { env } = process;
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = env;
  if (row.isWithoutCredentials) {
    Object.assign(env, { AWS_EC2_METADATA_DISABLED: 'true' });
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete env[name];
  }
  if (row.fault !== undefined) lab.server.faults.add(row.fault);
  try {
    return await lab.mm(args);
  } finally {
    lab.server.faults.clear();
    Object.assign(env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  }
}

function requireOneError({ exitCode, json, stderr }: Done, code: string, what: string): void {
  const { error } = ErrorAnswer.parse(json, { error: () => `${what}: ${stderr}` });
  assert.deepEqual([error.code, exitCode], [code, code === 'USAGE' ? 2 : 1], `${what}: ${stderr}`);
  assert.equal(stderr.match(/^mm: /gm)?.length, 1, `${what}: ${stderr}`);
  assert.ok(stderr.endsWith(`\nnext: ${error.next}\n`), `${what}: ${stderr}`);
  assert.doesNotMatch(stderr, /^ +at /m, what);
  const next = String(error.next);
  assert.match(next, /\bmm [a-z]|run the same command/, `${what}: ${next}`);
  requireSoundCommands(next, what);
}

/** What has expired after so many days, and what a command of somebody with the keys says. */
const EXPIRED: Readonly<
  Record<string, readonly [days: number, command: string, code: string | null]>
> = {
  'the online roles, which every command signs again': [90, 'publish', null],
  'the environment that a release comes from': [200, 'promote', 'METADATA_EXPIRED'],
  'the root, which it does not sign': [400, 'hold', 'METADATA_EXPIRED'],
};

test('bad input: what has expired is signed again, or named with mm renew', async (t) => {
  const lab = await badLab(t);
  for (const [what, [days, name, code]] of Object.entries(EXPIRED)) {
    const before = String(lab.server.get(BUCKET, TIMESTAMP));
    // Every time is later than the one before: mm refuses a clock that went back.
    const later = { now: () => Date.now() + days * DAY_MS };
    const args = WRITES[name] ?? [];
    if (code === null) {
      await succeeds(lab, args, later);
      continue;
    }
    const done = await lab.mm([...args, '--json'], later);
    requireOneError(done, code, what);
    assert.match(done.stderr, /^next: mm renew/m, what);
    assert.equal(String(lab.server.get(BUCKET, TIMESTAMP)), before, what);
  }
});

test('bad input: a race that is lost every time', async (t) => {
  const lab = await badLab(t);
  await configure(lab);
  const before = String(lab.server.get(BUCKET, TIMESTAMP));
  const fault = refusal(412, 'PreconditionFailed', { method: 'PUT', key: TIMESTAMP });
  const row = { commands: {}, code: 'PUBLISH_LOST', fault };
  requireOneError(await faulty(lab, row, [...(WRITES['hold'] ?? []), '--json']), row.code, 'hold');
  assert.equal(String(lab.server.get(BUCKET, TIMESTAMP)), before);
});
