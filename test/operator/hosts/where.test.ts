import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostsFrom, Where } from '../../../operator/hosts/where.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { sampleStatus } from '../../support/status-sample.ts';

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
      () => asked([condition], from).requireKnownFields(),
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
  where.requireKnownFields();
  assert.deepEqual(where.missingFacts(), [{ field: 'role', hosts: 2, of: 3 }]);
  assert.deepEqual(asked(conditions, 'bucket').missingFacts(), []);
});
