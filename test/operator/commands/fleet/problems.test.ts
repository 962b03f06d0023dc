import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusDocument } from '../../../../bucket/documents/status.ts';
import { FleetProblemsAnswer } from '../../../../operator/commands/fleet/fleet-answers.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

const { trust, versions } = sampleStatus;
const EVIL = '\u001b]0;x\u0007';

const HOSTS: Readonly<Record<string, Partial<StatusDocument>>> = {
  'good-1': {},
  'good-2': { trust: { ...trust, state: 'held' } },
  'good-3': { trust: { ...trust, clockOffsetSeconds: null } },
  shared: { otherWriter: { times: 3, lastAt: '2026-11-01T00:00:00Z' } },
  'twin-1': { hostId: 'a'.repeat(16) },
  'twin-2': { hostId: 'a'.repeat(16) },
  early: { trust: { ...trust, clockOffsetSeconds: -61 } },
  late: { trust: { ...trust, clockOffsetSeconds: 7200 } },
  old: { versions: { ...versions, agent: '0.0.9' } },
  expired: {
    trust: { ...trust, state: 'metadata-expired:root', error: { code: 'X', message: EVIL } },
  },
};

/** Kinds, or options, and what is listed. */
const ROWS: readonly (readonly [readonly string[], readonly string[], number])[] = [
  [[], ['bad', 'early', 'expired', 'late', 'old', 'shared', 'twin-1', 'twin-2'], 0],
  [['shared'], ['shared'], 0],
  [['names'], ['twin-1', 'twin-2'], 0],
  [['clock'], ['early', 'late'], 0],
  [['clock', '--clock', '2h'], [], 0],
  [['agent'], ['old'], 0],
  [['trust', 'clock'], ['early', 'expired', 'late'], 0],
  [['unreadable'], ['bad'], 0],
  [['shared', '--fail-over', '2'], ['shared'], 0],
  [['shared', '--fail-over', '1'], ['shared'], 1],
];

test('fleet problems: each kind, and gates that count unreadable hosts', async (t) => {
  const lab = await initialized(t);
  for (const [certname, part] of Object.entries(HOSTS)) {
    const status = { ...sampleStatus, hostId: null, certname, ...part };
    lab.server.put(BUCKET, `ubuntu/status/hosts/${certname}.json`, JSON.stringify(status));
  }
  lab.server.put(BUCKET, 'ubuntu/status/hosts/bad.json', 'hello');
  await lab.mm(['fleet', 'sync']);
  for (const [args, names, code] of ROWS) {
    const { json, exitCode, stderr } = await lab.mm(['fleet', 'problems', ...args, '--json']);
    const { problems } = FleetProblemsAnswer.parse(json);
    assert.deepEqual(
      problems.map(({ certname }) => certname),
      names,
      `${args.join(' ')} ${stderr}`,
    );
    assert.equal(exitCode, code, args.join(' '));
  }
  for (const form of [[], ['--csv']]) {
    const { stdout, exitCode } = await lab.mm(['fleet', 'problems', ...form]);
    assert.match(stdout, /^[\n\x20-\x7e]+$/);
    assert.match(stdout, /early.*clock.*61 s behind S3/);
    assert.equal(exitCode, 0);
  }
  assert.equal((await lab.mm(['fleet', 'problems', 'clocks'])).exitCode, 2);
});
