import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusDocument } from '../../../../bucket/documents/status.ts';
import { FleetSyncAnswer } from '../../../../operator/commands/fleet/fleet-answers.ts';
import { StatusListAnswer } from '../../../../operator/status-answer.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

test('fleet sync: a status that S3 refuses now does not replace the one of the copy', async (t) => {
  const lab = await initialized(t);
  const key = (certname: string) => `ubuntu/status/hosts/${certname}.json`;
  const put = (certname: string, status: Partial<StatusDocument> = {}) =>
    lab.server.put(BUCKET, key(certname), JSON.stringify({ ...sampleStatus, certname, ...status }));
  const sync = async () => FleetSyncAnswer.parse((await lab.mm(['fleet', 'sync', '--json'])).json);
  for (const certname of ['db1', 'web1']) put(certname);
  await sync();
  for (const certname of ['db1', 'web1', 'new']) put(certname, { run: null });
  const denied = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
  lab.server.faults.add({ ...denied, match: { key: key('web1') } });
  lab.server.faults.add({ ...denied, match: { key: key('new') } });
  const some = await sync();
  assert.deepEqual([some.fetched, some.refused, some.unreadable], [3, 2, 1]);
  const { hosts } = StatusListAnswer.parse((await lab.mm(['fleet', 'hosts', '--json'])).json);
  assert.deepEqual(
    hosts.map(({ certname, run, problem }) => [certname, run, problem === null]),
    [
      ['db1', null, true],
      ['new', null, false],
      ['web1', sampleStatus.run?.status, true],
    ],
  );
  lab.server.faults.clear();
  const all = await sync();
  assert.deepEqual([all.fetched, all.refused, all.unreadable], [2, 0, 0]);
});
