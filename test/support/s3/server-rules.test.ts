import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAllowed, machinePolicy, type Policy, readerPolicy, type Tags } from './policy.ts';
import { verifySignature } from './signature.ts';

test('signature: the example in the AWS documentation is valid', () => {
  // "Signature Calculations for the Authorization Header", example GET Object.
  const accessKeyId = 'AKIAIOSFODNN7EXAMPLE';
  const request = {
    method: 'GET',
    path: '/test.txt',
    query: new URLSearchParams(),
    bucket: '',
    key: 'test.txt',
    headers: {
      host: 'examplebucket.s3.amazonaws.com',
      range: 'bytes=0-9',
      'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      'x-amz-date': '20130524T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
        'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,' +
        'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    },
  };
  const signer = verifySignature(request, Buffer.alloc(0), {
    region: 'us-east-1',
    nowMs: Date.parse('2013-05-24T00:00:00Z'),
    findSigner: (id) => ({
      accessKeyId: id,
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    }),
  });
  assert.equal(signer.accessKeyId, accessKeyId);
});

const allowAll = { Effect: 'Allow', Action: ['s3:*'], Resource: ['*'] } as const;
const get = { action: 's3:GetObject', resource: 'arn:aws:s3:::fleet/ubuntu/manifests/x' };
const list = { action: 's3:ListBucket', resource: 'arn:aws:s3:::fleet' };
const put = {
  action: 's3:PutObject',
  resource: 'arn:aws:s3:::fleet/ubuntu/status/hosts/web1.json',
};
const host = machinePolicy({ bucket: 'fleet', tree: 'ubuntu' }, 'ec2');
const reader = readerPolicy({ bucket: 'fleet', tree: 'ubuntu' });

const decisions: Record<
  string,
  {
    readonly policy: Policy;
    readonly access: typeof get & { prefix?: string };
    readonly tags?: Tags;
    readonly want: boolean;
  }
> = {
  'what nothing allows is denied': { policy: [], access: get, want: false },
  'an allow allows': { policy: [allowAll], access: get, want: true },
  'a deny wins, wherever it stands': {
    policy: [{ ...allowAll, Effect: 'Deny' }, allowAll],
    access: get,
    want: false,
  },
  'a deny of something else does not count': {
    policy: [allowAll, { ...allowAll, Effect: 'Deny', Action: ['s3:Put*'] }],
    access: get,
    want: true,
  },
  'a dot is a dot': {
    policy: [{ ...allowAll, Resource: ['arn:aws:s3:::f.eet/*'] }],
    access: get,
    want: false,
  },
  'a condition that holds': {
    policy: reader,
    access: { ...list, prefix: 'ubuntu/status/hosts/' },
    want: true,
  },
  'a condition that does not hold': {
    policy: reader,
    access: { ...list, prefix: 'osx/status/' },
    want: false,
  },
  'a condition on what the request does not have': { policy: reader, access: list, want: false },
  'a variable is the tag of the caller': {
    policy: host,
    access: put,
    tags: { certname: 'web1' },
    want: true,
  },
  'a variable with another value': {
    policy: host,
    access: put,
    tags: { certname: 'web2' },
    want: false,
  },
  'a variable without a value matches nothing': { policy: host, access: put, want: false },
  'a wildcard in a tag is a plain character': {
    policy: host,
    access: put,
    tags: { certname: '*' },
    want: false,
  },
};

for (const [name, { policy, access, tags, want }] of Object.entries(decisions)) {
  test(`policy: ${name}`, () => assert.equal(isAllowed(policy, access, tags), want));
}
