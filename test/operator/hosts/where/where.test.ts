import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostsFrom, Where } from '../../../../operator/hosts/where/where.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { sampleStatus } from '../../../support/status-sample.ts';

/** Two hosts without the fact `role`, and one that promotes it. */
const HOSTS = [{}, {}, { role: 'web' }].map((facts) => ({ ...sampleStatus, facts }));

function asked(conditions: readonly string[], from: HostsFrom): Where {
  const where = new Where(conditions, from);
  for (const host of HOSTS) where.matches(host, {});
  return where;
}

const UNKNOWN: Readonly<Record<string, readonly [HostsFrom, string, RegExp]>> = {
  'a fact, in the bucket': ['bucket', 'kernel=Linux', /mm status <certname>/],
  'a fact, in a copy': ['copy', 'kernel=Linux', /^mm status --where/],
  'a mistyped fact, in a copy': ['copy', 'rol=web', /mean role\? mm status --where/],
  'a field of the status, in a copy': ['copy', 'run.statos=failed', /mean run\.status\?$/],
};

test('where: a copy may lack a fact that hosts have', () => {
  for (const [name, [from, condition, next]] of Object.entries(UNKNOWN)) {
    assert.throws(
      () => asked([condition], from).requireAnswerable(),
      (error) => {
        assert.ok(error instanceof CodedError, name);
        assert.equal(error.code, 'USAGE', name);
        assert.match(error.next ?? '', next, name);
        return true;
      },
    );
  }
});

test('where: how many hosts of a copy lack a fact, once for each name', () => {
  const conditions = ['role=web', 'role!=db', 'environment=stable'];
  const where = asked(conditions, 'copy');
  where.requireAnswerable();
  assert.deepEqual(where.missingFacts(), [{ field: 'role', hosts: 2, of: 3 }]);
  assert.deepEqual(asked(conditions, 'bucket').missingFacts(), []);
});

const UNMET: Readonly<Record<string, readonly [string[], RegExp[]]>> = {
  'a mistyped value of the schema': [
    ['run.status=faild'],
    [/run\.status=faild; did you mean failed\?/],
  ],
  'a possible value that no host has now': [['run.status=killed'], []],
  'a mistyped value of a fact': [['role=wep'], [/did you mean web\?/]],
  'another value of a fact': [['role=database'], [/role=database; wanted web$/]],
  'a value that is not met on purpose': [['role!=web', 'run.durationSeconds>99999'], []],
  'a fact that no host was asked for': [
    ['environment=other', 'kernel=Linux'],
    [/environment=other/, /no host was asked for kernel/],
  ],
};

test('where: a value that no host has is named, with the one that was meant', () => {
  for (const [name, [conditions, wanted]] of Object.entries(UNMET)) {
    const where = new Where(conditions, 'bucket');
    // Without the facts of the hosts, as long as no host meets the other conditions.
    for (const host of HOSTS) if (where.matches(host) === 'unknown') where.matches(host, {});
    const unmet = where.unmet();
    assert.equal(unmet.length, wanted.length, `${name}: ${unmet.join()}`);
    for (const [index, pattern] of wanted.entries())
      assert.match(unmet[index] ?? '', pattern, name);
  }
  assert.deepEqual(new Where(['role=x']).unmet(), [], 'there is no host at all');
});

test('where: a number that is compared with something else is an error, so that no gate passes', () => {
  const after = (condition: string) => () => {
    const where = new Where([condition], 'bucket');
    for (const seconds of [4.2, 90]) where.matches({ run: { durationSeconds: seconds } });
    where.requireAnswerable();
  };
  for (const wanted of ['abc', '2m', '']) {
    const refused = { code: 'USAGE', message: /run\.durationSeconds is a number, found "/ };
    assert.throws(after(`run.durationSeconds>${wanted}`), refused, wanted);
    assert.throws(after(`run.durationSeconds<${wanted}`), refused, wanted);
  }
  for (const sound of ['>60', '<1', '=abc', '!=abc']) after(`run.durationSeconds${sound}`)();
});
