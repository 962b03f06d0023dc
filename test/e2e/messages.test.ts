import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import {
  type AgentLab,
  agentLab,
  BUCKET,
  type Ended,
  manifestWriting,
  TREE,
} from '../support/agent-lab.ts';

/** What somebody who sets up a first host gets wrong, and what the agent says to it: no two alike. */
const mistakes: Record<
  string,
  { make: (lab: AgentLab) => Promise<Ended>; exit: number; says: RegExp }
> = {
  'wrong credentials': {
    make: (lab) => lab.run(['--once'], { AWS_SECRET_ACCESS_KEY: 'another secret' }),
    exit: 22,
    says: /S3_CREDENTIALS_REJECTED/,
  },
  'no credentials': {
    make: (lab) =>
      lab.run(['--once'], {
        AWS_ACCESS_KEY_ID: '',
        AWS_SECRET_ACCESS_KEY: '',
        AWS_EC2_METADATA_DISABLED: 'true',
      }),
    exit: 22,
    says: /S3_CREDENTIALS_MISSING/,
  },
  'wrong region': {
    make: async (lab) => {
      await lab.configure();
      return await edit(lab, 'us-east-1', 'eu-west-3');
    },
    exit: 22,
    says: /S3_REGION_WRONG.*us-east-1/,
  },
  'missing bucket': {
    make: (lab) => edit(lab, BUCKET, 'no-such-bucket'),
    exit: 22,
    says: /S3_BUCKET_MISSING.*no-such-bucket/,
  },
  'a tree that this host may not read': {
    make: (lab) => edit(lab, `tree: ${TREE}`, 'tree: osx'),
    exit: 22,
    says: /S3_ACCESS_DENIED.*osx\/manifests/,
  },
  'clock skew': {
    make: async (lab) => {
      lab.server.dateOffsetMs = 3_600_000;
      return await lab.once();
    },
    exit: 22,
    says: /S3_CLOCK_SKEWED/,
  },
  'no trust root': {
    make: async (lab) => {
      await rm(lab.paths.trustRoot);
      return await lab.once();
    },
    exit: 20,
    says: /no trust root/,
  },
};

async function edit(lab: AgentLab, from: string, to: string): Promise<Ended> {
  const { readFile, writeFile } = await import('node:fs/promises');
  const text = await readFile(lab.paths.configFile, 'utf8');
  await writeFile(lab.paths.configFile, text.replace(from, to));
  return await lab.once();
}

for (const [name, { make, exit, says }] of Object.entries(mistakes)) {
  test(`message: ${name}`, async (t) => {
    const lab = await agentLab(t);
    lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
    const ended = await make(lab);
    t.diagnostic(ended.stderr);
    assert.equal(ended.code, exit, ended.stderr);
    assert.match(ended.stderr, says);
    assert.match(ended.stderr, /next[:=]/, 'the next thing to try');
  });
}
