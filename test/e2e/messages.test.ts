import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { test } from 'node:test';
import {
  type AgentLab,
  agentLab,
  BUCKET,
  type Ended,
  manifestWriting,
  TREE,
} from '../support/agent-lab.ts';
import { waitUntil } from '../support/wait-until.ts';

/**
 * Mistakes of a person who sets up a first host, and the agent's message for each; no two messages
 * are the same.
 */
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
    says: /no trust root.*found no such file/,
  },
  'a directory in place of the trust root': {
    make: async (lab) => {
      await rm(lab.paths.trustRoot);
      await mkdir(lab.paths.trustRoot);
      return await lab.once();
    },
    exit: 20,
    says: /no trust root.*not a regular file/,
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

const causes: Record<string, { mistake: string; text: RegExp }> = {
  'no credentials': { mistake: 'no credentials', text: /S3_CREDENTIALS_MISSING {2}error=/g },
  'wrong credentials': { mistake: 'wrong credentials', text: /S3_CREDENTIALS_REJECTED {2}error=/g },
  'a missing bucket': { mistake: 'missing bucket', text: /S3_BUCKET_MISSING {2}error=/g },
};
for (const [name, { mistake, text }] of Object.entries(causes)) {
  test(`message: ${name} is logged once in a cycle`, async (t) => {
    const lab = await agentLab(t);
    lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
    const { stderr } = await mistakes[mistake]!.make(lab);
    assert.equal(stderr.match(text)?.length, 1, stderr);
    assert.match(stderr, /cycle\.decided .*this host has no release yet: S3_/);
  });
}

test('message: the daemon does not repeat what its cycle has logged', async (t) => {
  const lab = await agentLab(t);
  const child = lab.start([], {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  let printed = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const ended = lab.end(child);
  const cyclesEnded = () => printed.match(/cycle\.ended/g)?.length ?? 0;
  await waitUntil(() => cyclesEnded() === 1);
  child.kill('SIGUSR1');
  // The daemon starts a second cycle only after it has dealt with the end of the first.
  await waitUntil(() => cyclesEnded() === 2);
  child.kill('SIGTERM');
  const { stderr } = await ended;
  assert.equal(stderr.match(/S3_CREDENTIALS_MISSING {2}error=/g)?.length, 2, stderr);
  assert.doesNotMatch(stderr, /cycle\.failed/);
});
