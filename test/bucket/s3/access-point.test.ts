import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessPointOf } from '../../../bucket/s3/access-point.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { S3_CLIENTS } from '../../support/s3/clients.ts';

test('access point: a name is that of a bucket', () => {
  assert.equal(accessPointOf('masterless-puppet.example.com'), undefined);
});

for (const separator of ['/', ':']) {
  test(`access point: its parts, with ${separator} before the name`, () => {
    assert.deepEqual(
      accessPointOf(`arn:aws:s3:eu-central-1:123456789012:accesspoint${separator}fleet`),
      { partition: 'aws', region: 'eu-central-1', account: '123456789012', name: 'fleet' },
    );
  });
}

const refused: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a multi-region access point': [
    'arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap',
    /multi-region access point/,
  ],
  'an ARN of a bucket': ['arn:aws:s3:::fleet', /not the ARN of an S3 access point/],
  'another service': [
    'arn:aws:s3-object-lambda:eu-central-1:123456789012:accesspoint/fleet',
    /not the ARN of an S3 access point/,
  ],
  'no region': ['arn:aws:s3::123456789012:accesspoint/fleet', /not the ARN of an S3 access point/],
};

for (const [name, [arn, message]] of Object.entries(refused)) {
  test(`access point: ${name} is CONFIG_INVALID with both clients`, async () => {
    for (const open of Object.values(S3_CLIENTS)) {
      const bucket = open(arn, S3Settings.parse({}));
      await assert.rejects(bucket.get('x', { maxBytes: 1 }), { code: 'CONFIG_INVALID', message });
    }
  });
}
