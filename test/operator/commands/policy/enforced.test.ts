import { after, before } from 'node:test';
import { agentContract } from '../../../s3/agent-contract.ts';
import { checkContract } from '../../../s3/check-contract.ts';
import { policyContract } from '../../../s3/policy-contract.ts';
import {
  HOST,
  maintainerPolicy,
  type PolicyUser,
  printedPolicies,
} from '../../../s3/policy-users.ts';
import { adminPolicy } from '../../../support/s3/policy.ts';
import { useProfiles } from '../../../support/s3/profiles.ts';
import { type S3Server, startS3Server } from '../../../support/s3/server.ts';

const BUCKET = 'fleet';
const TAGS: Partial<Record<PolicyUser, Readonly<Record<string, string>>>> = {
  host: { certname: HOST },
  certified: { 'x509Subject/CN': HOST },
};

let server: S3Server;
let profiles: AsyncDisposable;

before(async () => {
  const policies = await printedPolicies(BUCKET);
  const printed = { ...policies, maintainer: maintainerPolicy(policies) };
  const users = Object.entries(printed).map(([name, { Statement }]) => ({
    ...keysOf(name),
    policy: Statement,
    tags: TAGS[name as PolicyUser] ?? {},
  }));
  server = await startS3Server({
    users: [{ ...keysOf('owner'), policy: adminPolicy }, ...users],
    buckets: [BUCKET],
  });
  const names = ['owner', ...Object.keys(printed)];
  profiles = await useProfiles(Object.fromEntries(names.map((name) => [name, keysOf(name)])));
});

after(async () => {
  await profiles[Symbol.asyncDispose]();
  await server.close();
});

const target = () => ({ endpoint: server.endpoint, bucket: BUCKET });
policyContract('embedded', target);
agentContract('embedded', target);
checkContract('embedded', target);

function keysOf(user: string) {
  return { accessKeyId: user.toUpperCase(), secretAccessKey: `secret-of-the-${user}` };
}
