import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostFactsKey, hostStatusKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer, PolicyAnswer } from '../../../../operator/answers.ts';
import {
  bucketArn,
  isAllowed,
  machinePolicy,
  objectArn,
  type Policy,
} from '../../../support/s3/policy.ts';
import { withEnvironment } from '../../../support/with-environment.ts';
import { openOperatorLab } from '../../operator-lab.ts';

interface Row {
  readonly args: readonly string[];
  readonly bucket?: string;
  readonly s3?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Resources of all statements. */
  readonly resources: readonly string[];
  /** Whether mm says that all hosts share their status. */
  readonly isWarned?: true;
}

const RELEASES = [
  'arn:aws:s3:::fleet/ubuntu/manifests/*',
  'arn:aws:s3:::fleet/ubuntu/binaries/*',
] as const;
const STATUS = 'arn:aws:s3:::fleet/ubuntu/status/';
const ACCESS_POINT = 'arn:aws:s3:eu-central-1:123456789012:accesspoint/hosts';

function machine(file: string): readonly string[] {
  return [...RELEASES, `${STATUS}hosts/${file}`, `${STATUS}facts/${file}`, `${STATUS}*`];
}

function removable(bucket: string): readonly string[] {
  return ['manifests/blobs/*', 'binaries/*', 'status/hosts/*', 'status/facts/*'].map(
    (keys) => `${bucket}ubuntu/${keys}`,
  );
}

const ROWS: Readonly<Record<string, Row>> = {
  'all hosts share credentials': {
    args: ['machine', '--shared-user'],
    resources: machine('*'),
  },
  'without an option that is said, and hosts share credentials': {
    args: ['machine'],
    resources: machine('*'),
    isWarned: true,
  },
  'hosts in EC2': {
    args: ['machine', '--ec2'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM replaces it
    resources: machine('${aws:PrincipalTag/certname}.json'),
  },
  'hosts with a certificate': {
    args: ['machine', '--roles-anywhere'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM replaces it
    resources: machine('${aws:PrincipalTag/x509Subject/CN}.json'),
  },
  'a publisher': {
    args: ['publisher'],
    resources: [...RELEASES, RELEASES[1], 'arn:aws:s3:::fleet'],
  },
  'a reader': {
    args: ['reader'],
    resources: [`${STATUS}*`, RELEASES[0], 'arn:aws:s3:::fleet'],
  },
  'who runs mm fleet snapshot': {
    args: ['reporter'],
    resources: [`${STATUS}*`, RELEASES[0], 'arn:aws:s3:::fleet', `${STATUS}fleet/*`],
  },
  'who runs mm clean or mm forget': {
    args: ['cleaner'],
    resources: removable('arn:aws:s3:::fleet/'),
  },
  'a job that runs mm forget': {
    args: ['cleaner', '--beside', 'reader'],
    resources: [
      ...[`${STATUS}*`, RELEASES[0], 'arn:aws:s3:::fleet'],
      ...removable('arn:aws:s3:::fleet/'),
    ],
  },
  'an access point': {
    args: ['cleaner'],
    bucket: ACCESS_POINT,
    resources: removable(`${ACCESS_POINT}/object/`),
  },
  'a region of China': {
    args: ['cleaner'],
    s3: '{ region: cn-north-1 }',
    resources: removable('arn:aws-cn:s3:::fleet/'),
  },
  'a GovCloud region of the environment': {
    args: ['cleaner'],
    env: { AWS_REGION: 'us-gov-west-1' },
    resources: removable('arn:aws-us-gov:s3:::fleet/'),
  },
};

for (const [name, { args, bucket, s3, env, resources, isWarned }] of Object.entries(ROWS)) {
  test(`policy: ${name}: prints the ARNs, and asks the bucket nothing`, async (t) => {
    const lab = await configured(t, { bucket, s3 });
    const more = env === undefined ? {} : { env };
    const printed = await lab.mm(['policy', ...args], more);
    assert.equal(printed.exitCode, 0, printed.stderr);
    const policy = JSON.parse(printed.stdout) as { Statement: { Resource: string[] }[] };
    assert.deepEqual(
      policy.Statement.flatMap(({ Resource }) => Resource),
      resources,
    );
    assert.equal(/every host/.test(printed.stderr), isWarned === true);
    const { json } = await lab.mm(['policy', ...args, '--json'], more);
    assert.deepEqual(PolicyAnswer.parse(json).policy, policy, 'the same with --json');
    assert.deepEqual(lab.server.requests, []);
  });
}

test('policy: the region of the AWS files decides, too', async (t) => {
  const lab = await configured(t);
  const AWS_CONFIG_FILE = join(lab.directory, 'aws-config');
  await writeFile(AWS_CONFIG_FILE, '[default]\nregion = us-gov-west-1\n');
  const { stdout } = await withEnvironment({ AWS_CONFIG_FILE }, () =>
    lab.mm(['policy', 'cleaner'], { env: { AWS_CONFIG_FILE } }),
  );
  assert.match(stdout, /"arn:aws-us-gov:s3:::fleet/);
  assert.doesNotMatch(stdout, /"arn:aws:/);
});

test('policy: only the cleaner may remove, and nobody gets an action with a wildcard', async (t) => {
  const lab = await configured(t);
  const kinds = ['machine', 'machine --ec2', 'machine --roles-anywhere', 'publisher', 'reader'];
  for (const kind of [...kinds, 'reporter', 'cleaner']) {
    const { stdout } = await lab.mm(['policy', ...kind.split(' ')]);
    assert.equal(stdout.includes('Delete'), kind === 'cleaner', kind);
    assert.doesNotMatch(stdout, /"s3:\w*\*/, kind);
  }
});

for (const action of ['s3:GetObject', 's3:GetObjectAcl', 's3:PutObjectAcl']) {
  test(`policy: ${action} of a status is denied to a host, whatever else allows it`, () => {
    const place = { bucket: 'fleet', tree: 'ubuntu' };
    // On Ceph the owner of an object may do this, and a bucket policy can allow it to all.
    const more: Policy = [
      { Effect: 'Allow', Action: ['s3:*'], Resource: [`${bucketArn('fleet')}/*`] },
    ];
    for (const kind of ['shared-user', 'ec2', 'roles-anywhere'] as const) {
      const policy = [...machinePolicy(place, kind), ...more];
      const may = (key: string) => isAllowed(policy, { action, resource: objectArn('fleet', key) });
      assert.equal(may(hostStatusKey('ubuntu', 'web1')), false, kind);
      assert.equal(may(hostFactsKey('ubuntu', 'web1')), false, kind);
      assert.equal(may(hostStatusKey('osx', 'web1')), true, 'only the statement denies it');
    }
  });
}

const REFUSED = {
  'an access point of another kind': {
    config: { bucket: 'arn:aws:s3::123456789012:accesspoint:a.mrap' },
    args: ['policy', 'machine', '--ec2'],
    want: 'CONFIG_INVALID',
  },
  'a tree that is not there': {
    config: {},
    args: ['policy', 'reader', '--tree', 'osx'],
    want: 'USAGE',
  },
} as const;

for (const [name, { config, args, want }] of Object.entries(REFUSED)) {
  test(`policy: ${name} is ${want}`, async (t) => {
    const lab = await configured(t, config);
    const { exitCode, json } = await lab.mm([...args, '--json']);
    assert.notEqual(exitCode, 0);
    assert.equal(ErrorAnswer.parse(json).error.code, want);
  });
}

test('policy: two ways to get credentials exclude each other', async (t) => {
  const lab = await configured(t);
  const { exitCode, stderr } = await lab.mm(['policy', 'machine', '--ec2', '--roles-anywhere']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /--ec2.*--roles-anywhere/);
});

async function configured(
  t: TestContext,
  { bucket, s3 }: { readonly bucket?: string | undefined; readonly s3?: string | undefined } = {},
) {
  const lab = await openOperatorLab(t);
  const tree = '{ id: acme/ubuntu, environments: { stable: { ref: main } } }';
  await writeFile(
    join(lab.repository, 'miyamoto.yaml'),
    `bucket: ${bucket ?? 'fleet'}\ns3: ${s3 ?? '{}'}\ntrees: { ubuntu: ${tree} }\n`,
  );
  return lab;
}
