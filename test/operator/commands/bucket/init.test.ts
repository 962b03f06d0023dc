import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { runMm } from '../../../support/run-mm.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import {
  assertNothingLeft,
  BUCKET,
  changes,
  expected,
  kept,
  OTHERS_RULE,
  openLab,
  outcomes,
} from './bucket-lab.ts';

test('bucket init: a bucket of AWS is made with everything, and a second run changes nothing', async (t) => {
  const lab = await openLab(t, 'aws', { buckets: [] });
  const { server } = lab;
  const planned = await lab.init(['--noop', '--json']);
  assert.equal(planned.exitCode, 1, 'everything is missing');
  assert.deepEqual(
    outcomes(planned),
    expected({ bucket: 'open', ...kept('open'), 'conditional writes': 'untried' }, 'open'),
  );
  assert.deepEqual(changes(lab), [], '--noop');
  const made = await lab.init(['--yes', '--json']);
  assert.deepEqual(outcomes(made), expected({ bucket: 'set' }), made.stderr);
  assert.equal(made.exitCode, 0);
  assertNothingLeft(lab);
  assert.match(server.setting(BUCKET, 'publicAccessBlock') ?? '', /<BlockPublicAcls>true</);
  assert.match(server.setting(BUCKET, 'lifecycle') ?? '', /<Prefix>ubuntu\/status\/<\/Prefix>/);
  assert.deepEqual(JSON.parse(server.setting(BUCKET, 'policy') ?? ''), {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'MiyamotoTlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  });
  server.requests.length = 0;
  const again = await lab.init(['--json']);
  assert.deepEqual([again.exitCode, outcomes(again)], [0, expected({}, 'ok')], again.stderr);
  assert.deepEqual(
    changes(lab).filter((query) => query !== '' && !/^(x-id|versionId)=/.test(query)),
    [],
  );
  assertNothingLeft(lab);
});

const OTHERS_POLICY = {
  Version: '2012-10-17',
  Id: 'theirs',
  Statement: [
    { Effect: 'Deny', Principal: { AWS: '*' }, Action: 's3:PutBucketAcl', Resource: '*' },
    {
      Sid: 'MiyamotoTlsOnly',
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: '*',
    },
  ],
};
const OLD_RULE =
  '<Rule><ID>miyamoto-ubuntu-status</ID><Status>Enabled</Status><Prefix>ubuntu/status/</Prefix>' +
  '<Expiration><Days>5</Days></Expiration></Rule>';

test('bucket init: rules and statements of others stay, and what is ours is replaced', async (t) => {
  const lab = await openLab(t, 'https');
  const { server } = lab;
  server.putSetting(BUCKET, 'policy', JSON.stringify(OTHERS_POLICY));
  const rules = `<LifecycleConfiguration>${OTHERS_RULE}${OLD_RULE}</LifecycleConfiguration>`;
  server.putSetting(BUCKET, 'lifecycle', rules);
  const asked: string[] = [];
  const shown: string[] = [];
  const done = await lab.init(['--json'], {
    askLine: (question) => Promise.resolve(asked.push(question) > 0 ? 'y' : ''),
    show: (line) => shown.push(line),
  });
  assert.deepEqual([done.exitCode, outcomes(done)], [0, expected()], done.stderr);
  assert.equal(asked.length, 1);
  assert.equal(shown.filter((line) => /(rules|statements) that stay: /.test(line)).length, 3);
  assert.equal(shown.filter((line) => line.includes('says something else')).length, 2);
  const policy = JSON.parse(server.setting(BUCKET, 'policy') ?? '') as typeof OTHERS_POLICY;
  assert.equal(policy.Id, 'theirs');
  assert.deepEqual(policy.Statement[0], OTHERS_POLICY.Statement[0]);
  assert.deepEqual(
    policy.Statement.map(({ Sid, Effect }) => [Sid, Effect]),
    [
      [undefined, 'Deny'],
      ['MiyamotoTlsOnly', 'Deny'],
    ],
  );
  const lifecycle = server.setting(BUCKET, 'lifecycle') ?? '';
  assert.deepEqual([...lifecycle.matchAll(/<ID>([^<]+)/g)].map(([, id]) => id).sort(), [
    'miyamoto-ubuntu-status',
    'miyamoto-ubuntu-uploads',
    'theirs',
  ]);
  assert.match(lifecycle, /<Days>3</);
  assert.doesNotMatch(lifecycle, /<Days>5</);
  assertNothingLeft(lab);
});

const REFUSED = {
  'without a terminal and without --yes': { args: [], want: 'NOT_CONFIRMED' },
  'another bucket than that of the file': { args: ['--bucket', 'other'], want: 'USAGE' },
  'a tree that is not in the file': { args: ['--tree', 'osx'], want: 'USAGE' },
  'a file that is not there': { args: ['--config', 'nope.yaml'], want: 'CONFIG_MISSING' },
} as const;

test('bucket init: refusals change nothing', async (t) => {
  const lab = await openLab(t, 'http');
  for (const [name, { args, want }] of Object.entries(REFUSED)) {
    const { exitCode, stdout } = await lab.init([...args, '--json']);
    assert.notEqual(exitCode, 0, name);
    assert.equal(ErrorAnswer.parse(JSON.parse(stdout)).error.code, want, name);
  }
  lab.server.faults.add({ kind: 'status', status: 403, code: 'InvalidAccessKeyId' });
  const { stdout } = await lab.init(['--yes', '--json']);
  assert.equal(ErrorAnswer.parse(JSON.parse(stdout)).error.code, 'S3_CREDENTIALS_REJECTED');
  assert.deepEqual(changes(lab), []);
});

test('bucket init: a missing bucket that these credentials may not list', async (t) => {
  const lab = await openLab(t, 'https', { buckets: [] });
  const denied = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
  lab.server.faults.add({ ...denied, match: { method: 'HEAD' } });
  lab.server.faults.add({ ...denied, match: { query: /^[a-zA-Z]+=$/ } });
  const planned = await lab.init(['--noop', '--json']);
  assert.deepEqual([planned.exitCode, outcomes(planned)['bucket']], [1, 'denied']);
  const { stdout } = await lab.init(['--yes', '--json']);
  const { code, next } = ErrorAnswer.parse(JSON.parse(stdout)).error;
  assert.equal(code, 'S3_BUCKET_MISSING');
  assert.match(next ?? '', /aws s3 mb/);
});

test('bucket init: where there is no miyamoto.yaml yet, options name bucket and tree', async (t) => {
  const { server } = await openLab(t, 'http', { buckets: [] });
  const cwd = await temporaryDirectory(t);
  const place = ['--bucket', 'new', '--tree', 'osx', '--endpoint', server.endpoint];
  const args = ['bucket', 'init', ...place, '--region', 'us-east-1', '--yes'];
  const { exitCode, stdout } = await runMm(cwd, args);
  assert.equal(exitCode, 1, 'no TLS');
  assert.match(stdout, /^set +bucket: does not exist -> new$/m);
  const odd = await runMm(
    cwd,
    args.map((word) => (word === 'new' ? 'Other_B' : word)),
  );
  assert.match(odd.stderr, /cannot make bucket Other_B: .*\nnext: .* for example other-b\n/);
  assert.match(server.setting('new', 'lifecycle') ?? '', /osx\/status\//);
});
