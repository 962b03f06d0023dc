import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBucket } from '../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../bucket/s3/settings.ts';
import { PolicyCheckAnswer } from '../../operator/bucket-answers.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { runMm } from '../support/run-mm.ts';
import { all } from '../support/s3/assert.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { withEnvironment } from '../support/with-environment.ts';
import type { ContractTarget } from './contract.ts';
import { HOST } from './policy-users.ts';

const BLOB = 'a'.repeat(64);
const meta = (file: string, version = 1) =>
  JSON.stringify({ signed: { meta: { [file]: { version } } } });
/** Objects that a check looks for. Those of a real tree stay. */
const OBJECTS: Readonly<Record<string, string>> = {
  'ubuntu/manifests/metadata/timestamp.json': meta('snapshot.json'),
  'ubuntu/manifests/metadata/1.snapshot.json': meta('env-stable.json'),
  'ubuntu/manifests/metadata/1.env-stable.json': JSON.stringify({
    signed: { targets: { 'stable/current': { hashes: { sha256: BLOB } } } },
  }),
  [`ubuntu/manifests/blobs/${BLOB}.tar.gz`]: 'blob',
  'ubuntu/binaries/check.deb': 'package',
  [`ubuntu/status/hosts/${HOST}.json`]: '{}',
  'osx/manifests/metadata/timestamp.json': '{}',
};

const RIGHTS_OF_OTHERS = [
  'list releases',
  'list binaries',
  'list status',
  'list another tree',
  'list the whole bucket',
  'write metadata',
  'write tarballs',
  'write binaries',
  'write the snapshot',
  'write to another tree',
  'remove metadata',
  'remove tarballs',
  'remove binaries',
  'remove status',
  'remove from another tree',
];
const STATUS_WRITES = [
  'write the status of another host',
  'write the status of this host',
  'write the facts of this host',
];

interface CheckRow {
  /** Whose credentials are checked. */
  readonly user: string;
  readonly args: readonly string[];
  /** The wrong rows. */
  readonly wrong: readonly string[];
  readonly unproven?: readonly string[];
}

/** Nothing shows a host that a binary exists. */
const BINARIES = ['read binaries'];

const CHECKS: Readonly<Record<string, CheckRow>> = {
  'a machine': {
    user: 'machine',
    args: ['machine', '--shared-user'],
    wrong: [],
    unproven: BINARIES,
  },
  'a host with a role of its own': {
    user: 'host',
    args: ['machine', '--ec2'],
    wrong: [],
    unproven: BINARIES,
  },
  'a host with a certificate': {
    user: 'certified',
    args: ['machine', '--roles-anywhere'],
    wrong: [],
    unproven: BINARIES,
  },
  'a publisher': { user: 'publisher', args: ['publisher'], wrong: [] },
  'a reader': { user: 'reader', args: ['reader'], wrong: [], unproven: BINARIES },
  'a reporter': { user: 'reporter', args: ['reporter'], wrong: [], unproven: BINARIES },
  'a reader in the place of a reporter': {
    user: 'reader',
    args: ['reporter'],
    wrong: ['write the snapshot'],
    unproven: BINARIES,
  },
  'a publisher who cleans': { user: 'maintainer', args: ['cleaner'], wrong: [] },
  'an administrator in the place of a machine': {
    user: 'owner',
    args: ['machine'],
    wrong: ['read status', 'read another tree', ...RIGHTS_OF_OTHERS],
  },
  'a shared user where each host should have its own': {
    user: 'machine',
    args: ['machine', '--ec2'],
    wrong: ['write the status of another host'],
    unproven: BINARIES,
  },
  'a reader in the place of a machine': {
    user: 'reader',
    args: ['machine'],
    wrong: ['read status', 'list status', ...STATUS_WRITES],
    unproven: BINARIES,
  },
  'a machine in the place of a publisher': {
    user: 'machine',
    args: ['publisher'],
    wrong: [
      ...['list releases', 'list binaries', 'write metadata', 'write tarballs', 'write binaries'],
      ...STATUS_WRITES,
    ],
    unproven: BINARIES,
  },
  'a cleaner without the policy of a publisher': {
    user: 'cleaner',
    args: ['cleaner'],
    wrong: [
      ...['read metadata', 'list releases', 'list binaries'],
      ...['write metadata', 'write tarballs', 'write binaries'],
    ],
    unproven: ['read a tarball', ...BINARIES],
  },
};

/**
 * `mm policy check` under the policies that `mm policy` prints. Must come after the contracts that
 * make the tree. `target` has the profiles of the policy contract, and `maintainer`.
 */
export function checkContract(server: string, target: () => ContractTarget): void {
  const open = async () => {
    const settings = { endpoint: target().endpoint, region: 'us-east-1', profile: 'owner' };
    return await openBucket(target().bucket, S3Settings.parse(settings));
  };

  const keys = async (): Promise<readonly unknown[]> => {
    const owner = await open();
    try {
      return (await all(owner, '')).map(({ key, etag }) => [key, etag]);
    } finally {
      owner.close();
    }
  };

  for (const [name, { user, args, wrong, unproven = [] }] of Object.entries(CHECKS)) {
    test(`policy check, ${server}: ${name}: ${wrong.length} rows are wrong, and nothing changes`, async (t) => {
      const cwd = await temporaryDirectory(t);
      const { endpoint, bucket } = target();
      await fill(open);
      const tree = (id: string) => ({ id, environments: { stable: { ref: 'main' } } });
      const config = {
        ...{ bucket, s3: { endpoint, region: 'us-east-1' } },
        trees: { ubuntu: tree('acme/ubuntu'), osx: tree('acme/osx') },
      };
      await writeFile(join(cwd, 'miyamoto.yaml'), JSON.stringify(config));
      const there = await keys();
      const words = ['policy', 'check', ...args, '--tree', 'ubuntu', '--certname', HOST, '--json'];
      const { stdout, stderr, exitCode } = await withEnvironment({ AWS_PROFILE: user }, () =>
        runMm(cwd, words),
      );
      assert.notEqual(stdout, '', stderr);
      const { checks, outcome } = PolicyCheckAnswer.parse(JSON.parse(stdout));
      const names = (is: string) =>
        checks.filter((row) => row.outcome === is).map((row) => row.name);
      assert.deepEqual(names('wrong'), wrong);
      assert.deepEqual(names('unproven'), unproven);
      assert.deepEqual([exitCode, outcome], wrong.length === 0 ? [0, 'ok'] : [1, 'wrong']);
      assert.ok(
        checks.every((row) => row.left === null && (row.outcome === 'ok' || row.next !== null)),
      );
      assert.deepEqual(await keys(), there);
    });
  }
}

async function fill(open: () => ReturnType<typeof openBucket>): Promise<void> {
  const owner = await open();
  try {
    for (const [key, content] of Object.entries(OBJECTS)) {
      await owner.put(key, Buffer.from(content), { createOnly: true }).catch((error: unknown) => {
        if (!(error instanceof CodedError) || error.code !== 'S3_PRECONDITION_FAILED') throw error;
      });
    }
  } finally {
    owner.close();
  }
}
