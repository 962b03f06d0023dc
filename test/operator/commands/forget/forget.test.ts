import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { ForgetAnswer } from '../../../../operator/status-answer.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab, type Owner } from '../../operator-lab.ts';

const DAY_MS = 86_400_000;
const STATUS = (certname: string) => `ubuntu/status/hosts/${certname}.json`;
const FACTS = (certname: string) => `ubuntu/status/facts/${certname}.json`;

/** `a` and `b` have a status and facts, `c` has an unreadable status, and `d` has only facts. */
async function fleet(t: Owner): Promise<OperatorLab> {
  const lab = await initialized(t);
  for (const certname of ['a', 'b']) {
    lab.server.put(BUCKET, STATUS(certname), JSON.stringify({ ...sampleStatus, certname }));
    lab.server.put(BUCKET, FACTS(certname), '{}');
  }
  lab.server.put(BUCKET, STATUS('c'), 'hello');
  lab.server.put(BUCKET, FACTS('d'), '{}');
  return lab;
}

function left(lab: OperatorLab): string[] {
  return lab.server.keys(BUCKET).filter((key) => key.startsWith('ubuntu/status/'));
}

const ALL = [FACTS('a'), FACTS('b'), FACTS('d'), STATUS('a'), STATUS('b'), STATUS('c')];

interface Row {
  readonly args: readonly string[];
  /** Time since the hosts reported; by default a day. */
  readonly after?: number;
  readonly answer?: string;
  readonly removed: readonly string[];
  readonly code?: string;
}

const ROWS: Readonly<Record<string, Row>> = {
  'with --yes': { args: ['a', '--yes'], removed: [STATUS('a'), FACTS('a')] },
  'two hosts, one of them twice': {
    args: ['a', 'c', 'a', '--yes'],
    removed: [STATUS('a'), FACTS('a'), STATUS('c')],
  },
  'only facts are left': { args: ['d', '--yes'], removed: [FACTS('d')] },
  'asked, and agreed': { args: ['a'], answer: 'y', removed: [STATUS('a'), FACTS('a')] },
  'asked, and not agreed': { args: ['a'], answer: '', removed: [], code: 'NOT_CONFIRMED' },
  'no terminal': { args: ['a'], removed: [], code: 'NOT_CONFIRMED' },
  'with --noop': { args: ['a', '--noop'], removed: [] },
  'one of two reported on time': {
    args: ['a', 'b', '--yes'],
    after: 3_600_000,
    removed: [],
    code: 'NOT_CONFIRMED',
  },
  'on time, with --force': {
    args: ['a', '--yes', '--force'],
    after: 0,
    removed: [STATUS('a'), FACTS('a')],
  },
  'an unreadable status that is new': {
    args: ['c', '--yes'],
    after: 0,
    removed: [],
    code: 'NOT_CONFIRMED',
  },
  'one of two has nothing': { args: ['x', 'a', '--yes'], removed: [STATUS('a'), FACTS('a')] },
  'no host has anything': { args: ['x', '--yes'], removed: [], code: 'S3_NOT_FOUND' },
  'not a certname': { args: ['a', '../a', '--yes'], removed: [], code: 'USAGE' },
};

test('forget: removes status and facts of what is named, and nothing else', async (t) => {
  const lab = await fleet(t);
  const objects = new Map(ALL.map((key) => [key, lab.server.get(BUCKET, key) ?? '']));
  for (const [name, { args, after = DAY_MS, answer, removed, code }] of Object.entries(ROWS)) {
    for (const [key, body] of objects) lab.server.put(BUCKET, key, body);
    const asked = answer === undefined ? {} : { askLine: async () => answer };
    const done = await lab.mm(['forget', ...args, '--json'], {
      now: () => Date.now() + after,
      ...asked,
    });
    if (code === undefined) assert.equal(done.exitCode, 0, `${name}: ${done.stderr}`);
    else assert.equal(ErrorAnswer.parse(done.json).error.code, code, name);
    assert.deepEqual(
      left(lab),
      ALL.filter((key) => !removed.includes(key)),
      name,
    );
    if (code !== undefined || args.includes('--noop')) continue;
    const { hosts } = ForgetAnswer.parse(done.json);
    assert.deepEqual(hosts.flatMap((host) => host.objects).sort(), removed.toSorted(), name);
  }
});

test('forget: without permission it names what is missing, and a second call completes it', async (t) => {
  const lab = await fleet(t);
  const later = { now: () => Date.now() + DAY_MS };
  const denied = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
  lab.server.faults.add({ ...denied, match: { method: 'DELETE', key: STATUS('a') } });
  const refused = await lab.mm(['forget', 'a', '--yes', '--json'], later);
  const { code, message, next } = ErrorAnswer.parse(refused.json).error;
  assert.equal(code, 'S3_ACCESS_DENIED');
  assert.match(
    message,
    /s3:DeleteObject on ubuntu\/status\/hosts\/\* and ubuntu\/status\/facts\/\*/,
  );
  assert.match(next ?? '', /mm policy cleaner/);
  lab.server.faults.clear();
  const { exitCode } = await lab.mm(['forget', 'a', '--yes'], later);
  assert.equal(exitCode, 0);
  assert.deepEqual(
    left(lab),
    ALL.filter((key) => ![STATUS('a'), FACTS('a')].includes(key)),
  );
});
