import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';

/* What a host's AWS variables and files do to a whole cycle of the built agent. */

const MANIFEST = manifestWriting('/nowhere', 'one');

async function appliedLab(t: TestContext) {
  const lab = await agentLab(t);
  await lab.configure(`run: { puppet: ${await lab.fakePuppet()} }\n`);
  lab.publish('1.0.0', MANIFEST);
  const first = await lab.once();
  assert.equal(first.code, 0, first.stderr);
  return lab;
}

test('AWS files: a failing credential_process keeps the release running; the status has its words', async (t) => {
  const lab = await appliedLab(t);
  const helper = join(lab.root, 'vault-keys');
  await writeFile(helper, '#!/bin/sh\necho "vault is sealed" >&2; exit 2\n');
  await chmod(helper, 0o755);
  const config = join(lab.root, 'aws-config');
  await writeFile(config, `[profile fleet]\ncredential_process = ${helper}\n`);
  const env = { AWS_CONFIG_FILE: config, AWS_PROFILE: 'fleet' };
  const failed = await lab.run(['--once'], env);
  assert.deepEqual(failed.requests, []);
  const { trust, run } = await lab.localStatus();
  assert.equal(trust.error?.code, 'S3_CREDENTIALS_MISSING', failed.stderr);
  assert.match(trust.error.message, /vault-keys ended with exit code 2: vault is sealed$/);
  assert.equal(run?.status, 'unchanged');
  const keys = {
    Version: 1,
    AccessKeyId: lab.user.accessKeyId,
    SecretAccessKey: lab.user.secretAccessKey,
  };
  await writeFile(helper, `#!/bin/sh\necho '${JSON.stringify(keys)}'\n`);
  const repaired = await lab.run(['--once'], env);
  assert.equal(repaired.code, 0, repaired.stderr);
  assert.equal((await lab.localStatus()).trust.error, null);
});

for (const [name, env, message] of [
  [
    'AWS_CA_BUNDLE that is missing',
    { AWS_CA_BUNDLE: '/nowhere/ca.pem' },
    /AWS_CA_BUNDLE.*\/nowhere\/ca\.pem/,
  ],
  [
    'HTTP_PROXY of another kind',
    { HTTP_PROXY: 'socks5://user:hunter2@h:1' },
    /HTTP_PROXY: .*found socks5/,
  ],
] as const) {
  test(`AWS files: ${name} keeps the release running, and the status names it`, async (t) => {
    const lab = await appliedLab(t);
    const ended = await lab.run(['--once'], env);
    assert.deepEqual(ended.requests, []);
    assert.doesNotMatch(ended.stderr, /hunter2/);
    const { trust, run } = await lab.localStatus();
    assert.equal(trust.error?.code, 'CONFIG_INVALID', ended.stderr);
    assert.match(trust.error.message, message);
    assert.equal(run?.status, 'unchanged');
    assert.equal((await lab.once()).code, 0);
  });
}
