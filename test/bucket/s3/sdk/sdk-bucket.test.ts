import { after, before } from 'node:test';
import { s3Contract } from '../../../s3/contract.ts';
import { adminPolicy, machinePolicy, readerPolicy } from '../../../support/s3/policy.ts';
import { useProfiles } from '../../../support/s3/profiles.ts';
import { type S3Server, startS3Server } from '../../../support/s3/server.ts';

const place = { bucket: 'fleet', tree: 'ubuntu' };
const owner = { accessKeyId: 'OWNER', secretAccessKey: 'owner-secret' };
const machine = { accessKeyId: 'MACHINE', secretAccessKey: 'machine-secret' };
const reader = { accessKeyId: 'READER', secretAccessKey: 'reader-secret' };

let server: S3Server;
let profiles: AsyncDisposable;

before(async () => {
  server = await startS3Server({
    users: [
      { ...owner, policy: adminPolicy },
      { ...machine, policy: machinePolicy(place) },
      { ...reader, policy: readerPolicy(place) },
    ],
    buckets: [place.bucket],
  });
  profiles = await useProfiles({
    owner,
    machine,
    reader,
    'wrong-secret': { ...owner, secretAccessKey: 'no' },
    'unknown-key': { ...owner, accessKeyId: 'NOBODY' },
  });
});

after(async () => {
  await profiles[Symbol.asyncDispose]();
  await server.close();
});

s3Contract('embedded', () => ({ endpoint: server.endpoint, bucket: place.bucket }));
