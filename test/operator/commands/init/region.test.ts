import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config as AgentConfig } from '../../../../agent/config/config.ts';
import { ErrorAnswer, InitAnswer } from '../../../../operator/answers.ts';
import { OperatorConfig } from '../../../../operator/config.ts';
import { parseConfigFile } from '../../../../shared/config/file.ts';

import { BUCKET, initArgs, openOperatorLab } from '../../operator-lab.ts';

/** Sets the variables in this process, where the AWS SDK reads them, and runs the work. */
async function withVariables<T>(
  variables: Readonly<Record<string, string | undefined>>,
  work: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env };
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  try {
    return await work();
  } finally {
    Object.assign(process.env, before);
  }
}

const region = (json: unknown) =>
  parseConfigFile(InitAnswer.parse(json).agentConfig, 'agent.yaml', AgentConfig).s3.region;

const regions: Record<
  string,
  { args: readonly string[]; env: Record<string, string | undefined>; config?: string }
> = {
  'of --region': { args: ['--region', 'us-east-1'], env: { AWS_REGION: 'eu-west-1' } },
  'of AWS_REGION': { args: [], env: { AWS_REGION: 'us-east-1' } },
  'of ~/.aws/config': { args: [], env: { AWS_REGION: undefined }, config: 'us-east-1' },
};
for (const [name, { args, env, config }] of Object.entries(regions)) {
  test(`init: the region ${name} is written into the configuration of operators and hosts, and printed`, async (t) => {
    const lab = await openOperatorLab(t);
    const shared = join(lab.directory, 'aws-config');
    await writeFile(shared, config === undefined ? '' : `[default]\nregion = ${config}\n`);
    const init = initArgs(lab, ...args);
    const done = await withVariables({ ...env, AWS_CONFIG_FILE: shared }, () => lab.mm(init));
    assert.equal(done.exitCode, 0, done.stderr);
    assert.equal(region(done.json), 'us-east-1');
    const written = await readFile(InitAnswer.parse(done.json).configFile, 'utf8');
    const operators = parseConfigFile(written, 'miyamoto.yaml', OperatorConfig);
    assert.equal(operators.s3.region, 'us-east-1');
  });
}

test('init: with a file without a region, the configuration of hosts has the region that was used', async (t) => {
  const lab = await openOperatorLab(t);
  const { endpoint } = lab.server;
  const trees = '{ ubuntu: { id: acme/ubuntu, environments: { stable: { ref: main } } } }';
  await lab.write(
    'miyamoto.yaml',
    `bucket: ${BUCKET}\ns3: { endpoint: '${endpoint}' }\ntrees: ${trees}\n`,
  );
  const text = await lab.mm(['init']);
  assert.equal(text.exitCode, 0, text.stderr);
  assert.match(text.stdout, /^ {2}s3:\n {4}endpoint: \S+\n {4}region: us-east-1$/m);
});

test('init: no region at all is a usage error that names --region, and nothing is written', async (t) => {
  const lab = await openOperatorLab(t);
  const none = { AWS_REGION: undefined, AWS_CONFIG_FILE: '/dev/null' };
  const done = await withVariables(none, () => lab.mm(initArgs(lab)));
  assert.equal(done.exitCode, 2);
  const { error } = ErrorAnswer.parse(done.json);
  assert.equal(error.code, 'USAGE');
  assert.match(error.message, /--region/);
  assert.match(error.next ?? '', /^mm init --bucket fleet --tree ubuntu --region eu-central-1/);
  await assert.rejects(access(join(lab.repository, 'miyamoto.yaml')));
});

test('init: a region other than that of the bucket is an error that names --region, and nothing is written', async (t) => {
  const lab = await openOperatorLab(t);
  const { json } = await lab.mm(initArgs(lab, '--region', 'eu-west-1'));
  const { error } = ErrorAnswer.parse(json);
  assert.equal(error.code, 'S3_REGION_WRONG');
  assert.match(error.next ?? '', /us-east-1.*--region/);
  await assert.rejects(access(join(lab.repository, 'miyamoto.yaml')));
});
