import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusDocument } from '../../../../bucket/documents/status.ts';
import { ErrorAnswer, StatusListAnswer } from '../../../../operator/answers.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab } from '../../operator-lab.ts';

const put = (lab: OperatorLab, certname: string, body: unknown) =>
  lab.server.put(
    BUCKET,
    `ubuntu/status/hosts/${certname}.json`,
    typeof body === 'string' ? body : JSON.stringify(body),
  );

test('status <certname>: --json prints the document; without it mm prints text', async (t) => {
  const lab = await initialized(t);
  put(lab, sampleStatus.certname, sampleStatus);
  const { json } = await lab.mm(['status', sampleStatus.certname, '--json']);
  assert.deepEqual(StatusDocument.parse(json), sampleStatus);
  const { stdout, exitCode } = await lab.mm(['status', sampleStatus.certname]);
  assert.equal(exitCode, 0);
  for (const fact of ['web1.example.com', '1.4.2', 'unchanged', '107']) {
    assert.ok(stdout.includes(fact), fact);
  }
});

const evil = '\u001b]0;x\u0007\u009b31m\u202e\u2066\r\n';
test('status: text from a host is cleaned before it reaches the terminal', async (t) => {
  const lab = await initialized(t);
  const resource = `File[/x]${evil}`;
  const run = {
    ...sampleRun,
    reason: evil,
    error: evil,
    failedResources: [{ resource, message: evil, file: evil, line: 1 }],
    changedResources: [resource],
    changedResourcesTotal: 1,
  };
  const release = { ...sampleStatus.release, version: evil };
  const trust = { ...sampleStatus.trust, state: evil, error: { code: evil, message: evil } };
  const disabled = { reason: evil, by: evil, until: null };
  const more = { extra: evil, offered: { version: evil, sha256: 'a'.repeat(64), why: evil } };
  put(lab, sampleStatus.certname, { ...sampleStatus, run, release, trust, disabled, ...more });
  for (const args of [[], ['--json']]) {
    for (const certname of [[], [sampleStatus.certname]]) {
      const { stdout, exitCode } = await lab.mm(['status', ...certname, ...args]);
      assert.equal(exitCode, 0);
      assert.match(stdout, /^[\n\x20-\x7e]+$/);
    }
  }
});

const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
const hostile = {
  'not JSON': 'hello',
  'not UTF-8': '\ud800',
  'another certname': { ...sampleStatus, certname: 'db1.example.com' },
  'a certname with ..': { ...sampleStatus, certname: '../web1.example.com' },
  'another schema': { ...sampleStatus, schemaVersion: 2 },
  'a field missing': { ...sampleStatus, trust: undefined },
  'nested too deep': JSON.stringify(sampleStatus).replace('{', `{"x":${deep},`),
};

for (const [name, body] of Object.entries(hostile)) {
  test(`status: ${name} is STATUS_INVALID and does not hide other hosts`, async (t) => {
    const lab = await initialized(t);
    put(lab, 'web1.example.com', body);
    put(lab, 'web2.example.com', { ...sampleStatus, certname: 'web2.example.com' });
    const one = await lab.mm(['status', 'web1.example.com', '--json']);
    assert.equal(one.exitCode, 1);
    assert.equal(ErrorAnswer.parse(one.json).error.code, 'STATUS_INVALID');
    const { hosts } = StatusListAnswer.parse((await lab.mm(['status', '--json'])).json);
    assert.deepEqual(
      hosts.map(({ certname, run, problem }) => [certname, run, problem === null]),
      [
        ['web1.example.com', null, false],
        ['web2.example.com', 'unchanged', true],
      ],
    );
  });
}

test('status: an object that is too large is refused', async (t) => {
  const lab = await initialized(t);
  put(lab, 'web1.example.com', { ...sampleStatus, padding: 'x'.repeat(300_000) });
  const { json } = await lab.mm(['status', 'web1.example.com', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.code, 'S3_TOO_LARGE');
});

test('status: a host without a status and an invalid certname are errors', async (t) => {
  const lab = await initialized(t);
  const unknown = await lab.mm(['status', 'web1.example.com', '--json']);
  assert.equal(ErrorAnswer.parse(unknown.json).error.code, 'S3_NOT_FOUND');
  assert.equal((await lab.mm(['status', '../../x'])).exitCode, 2);
});

test('status: one line for each of many hosts, in order', async (t) => {
  const lab = await initialized(t);
  const names = Array.from({ length: 40 }, (_, n) => `h${String(n).padStart(2, '0')}`);
  for (const certname of names) put(lab, certname, { ...sampleStatus, certname });
  const { stdout } = await lab.mm(['status']);
  const lines = stdout.trim().split('\n').slice(1);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    names,
  );
});
