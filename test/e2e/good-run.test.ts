import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostFactsKey } from '../../bucket/layout.ts';
import { agentLab, BUCKET, CERTNAME, TREE } from '../support/agent-lab.ts';

const FACTS = `
Facter.add('bad_nan') { setcode { Float::NAN } }
Facter.add('bad_infinity') { setcode { { 'a' => [Float::INFINITY, 1.5] } } }
Facter.add('deep') { setcode { (1..200).reduce('x') { |inner, _| { 'd' => [inner] } } } }
Facter.add('efs') { setcode { 9_223_372_036_853_727_233 } }
`;
const FILES = {
  'manifests/site.pp': "err('something is odd')\n",
  'modules/m/lib/facter/odd.rb': FACTS,
};

test('good run: facts that JSON cannot express, and err(), do not fail a run of the real Puppet', async (t) => {
  const lab = await agentLab(t);
  lab.publish('1.0.0', FILES);
  const good = await lab.once();
  assert.equal(good.code, 0, good.stderr);
  const { run } = lab.status();
  assert.equal(run?.status, 'unchanged');
  assert.equal(run.errors, 1);
  const shown = await lab.run(['status']);
  assert.match(shown.stdout, /errors in no failed resource: 1$/m);
  assert.match(good.stderr, /fact bad_nan is NaN, which JSON does not have: null is reported/);
  const facts = String(lab.server.get(BUCKET, hostFactsKey(TREE, CERTNAME)));
  assert.match(facts, /"efs":9223372036853727233\b/);
  assert.match(facts, /"bad_nan":null/);
  assert.match(facts, /"deep":\{"d":\[\{"d":.*\(not sent: nested too deeply\)/);
  assert.match(facts, /"bad_infinity":\{"a":\[null,1\.5\]\}/);

  await lab.configure('run: { fail_on_error_lines: true }\n');
  const failed = await lab.once('--detailed-exitcodes');
  assert.equal(failed.code, 1, failed.stderr);
  assert.equal(lab.status().run?.status, 'failed');
  assert.match(lab.status().run?.error ?? '', /something is odd/);
});
