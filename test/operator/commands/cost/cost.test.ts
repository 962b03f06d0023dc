import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from '../../../../agent/config/config.ts';
import { parseCron } from '../../../../agent/config/parse-cron.ts';
import { cronPosition } from '../../../../agent/core/cron/next-match.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { CostAnswer } from '../../../../operator/commands/cost/cost-answer.ts';
import { DEFAULT_LOAD, REQUESTS } from '../../../../operator/commands/cost/model.ts';
import { agentLab } from '../../../support/agent-lab.ts';
import { BUCKET, initialized, openOperatorLab } from '../../operator-lab.ts';

test('cost: the defaults are those of agent.yaml', () => {
  const { schedule, report } = Config.parse({ bucket: 'fleet', tree: 'ubuntu' });
  const seconds = (expression: string) =>
    cronPosition(parseCron(expression), Date.UTC(2026, 0, 1)).intervalMs / 1000;
  assert.equal(seconds(schedule.poll), DEFAULT_LOAD.pollSeconds);
  assert.equal(seconds(schedule.apply), DEFAULT_LOAD.runSeconds);
  assert.equal(report.heartbeat.seconds, DEFAULT_LOAD.heartbeatSeconds);
});

test('cost: a real agent sends as many requests as the model says', async (t) => {
  const lab = await agentLab(t);
  await lab.configure(`run: { puppet: '${await lab.fakePuppet()}' }\n`);
  /** Requests of a cycle that finds something new, without the poll itself. */
  const cycle = async () => {
    const { code, requests, stderr } = await lab.once();
    assert.equal(code, 0, stderr);
    assert.match(requests[0] ?? '', /^GET timestamp\.json/);
    const count = (method: string) => requests.filter((line) => line.startsWith(method)).length;
    // Once in 30 days AWS refuses a condition on the status that this host may not read.
    const refused = requests.filter((line) => /^PUT .* 403$/.test(line)).length;
    return { get: count('GET') - REQUESTS.poll.get, put: count('PUT') - refused };
  };
  lab.publish('1.0.0', { 'manifests/site.pp': '' });
  await cycle();
  lab.publish('1.1.0', { 'manifests/site.pp': '# 2' });
  assert.deepEqual(await cycle(), REQUESTS.release, 'a new release');
  assert.deepEqual(
    await cycle(),
    { get: REQUESTS.run.get - REQUESTS.poll.get, put: REQUESTS.run.put },
    'a run, whose poll is its only request',
  );
  lab.simulator.publish('testing', '9.0.0', { bytes: Buffer.from('x') });
  lab.sync();
  assert.deepEqual(await cycle(), REQUESTS.renewal, 'a publication for another environment');
});

test('cost: requests, bytes and dollars, without a bucket and without a configuration', async (t) => {
  const lab = await openOperatorLab(t);
  const still = ['--changing', '0%', '--releases', '0', '--renewals', '0', '--reads', '0'];
  const { json } = await lab.mm(['cost', '--hosts', '1000', ...still, '--json']);
  const { rows, total, measured } = CostAnswer.parse(json);
  const perDay = (kind: string) => {
    const { requests = 0 } = rows.find((row) => row.kind === kind) ?? {};
    return Math.round((requests / 1000 / (365 / 12)) * 1000) / 1000;
  };
  assert.deepEqual(['polls', 'runs', 'statuses', 'facts'].map(perDay), [288, 48, 24, 1]);
  assert.equal(measured, false);
  // As docs/performance.md has it, and what is stored.
  assert.equal(total.dollars.toFixed(2), (7.89 + 0.018 * 0.023).toFixed(2));
  assert.deepEqual(lab.server.requests, []);
  const dear = await lab.mm(['cost', '--hosts', '1000', ...still, '--price', 'get=0.4', '--json']);
  const polls = CostAnswer.parse(dear.json).rows.find(({ kind }) => kind === 'polls');
  assert.equal(polls?.dollars.toFixed(0), '3504');
  const text = await lab.mm(['cost', '--hosts', '100000', '--poll', '1m', '--outside', '40%']);
  assert.equal(text.exitCode, 0);
  assert.match(text.stdout, /^polls +GET +1,440 /m);
  assert.match(text.stdout, /us-east-1/);
});

test('cost: --measure uses the sizes of the objects in the bucket', async (t) => {
  const lab = await initialized(t);
  for (const [key, size] of Object.entries({ 'hosts/a': 1000, 'hosts/b': 3000, 'facts/a': 7 })) {
    lab.server.put(BUCKET, `ubuntu/status/${key}.json`, 'x'.repeat(size));
  }
  const { json } = await lab.mm(['cost', '--hosts', '10', '--measure', '--json']);
  const { sizes, measured } = CostAnswer.parse(json);
  assert.deepEqual([sizes.status, sizes.facts, measured], [2000, 7, true]);
});

test('cost: figures are whole requests and bytes, and a small fleet is listed, too', async (t) => {
  const lab = await openOperatorLab(t);
  const { json } = await lab.mm(['cost', '--hosts', '7', '--poll', '7m', '--json']);
  const { rows } = CostAnswer.parse(json);
  assert.equal(rows.find(({ price }) => price === 'list')?.requests, DEFAULT_LOAD.reads);
  for (const { kind, dollars } of rows) assert.match(String(dollars), /^\d+(\.\d{1,4})?$/, kind);
});

const WRONG = {
  'no number of hosts': [],
  'no host': ['--hosts', '0'],
  'a share without %': ['--hosts', '1', '--outside', '5'],
  'a share above all': ['--hosts', '1', '--outside', '101%'],
  'no duration': ['--hosts', '1', '--poll', '5 minutes'],
  'an unknown price': ['--hosts', '1', '--price', 'gets=1'],
  'a price that is no number': ['--hosts', '1', '--price', 'get=cheap'],
};

test('cost: wrong usage ends with 2', async (t) => {
  const lab = await openOperatorLab(t);
  for (const [name, args] of Object.entries(WRONG)) {
    const { exitCode } = await lab.mm(['cost', ...args]);
    assert.equal(exitCode, 2, name);
  }
  const { json } = await lab.mm(['cost', '--hosts', '1', '--price', 'gets=1', '--json']);
  assert.match(ErrorAnswer.parse(json).error.next ?? '', /get=/);
});
