import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Credentials } from '../support/s3/profiles.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import type { ContractTarget } from './contract.ts';
import { HOST, type PolicyUser } from './policy-users.ts';

const STATUS = `ubuntu/status/hosts/${HOST}.json`;

interface Row {
  readonly as: PolicyUser | 'owner';
  /** Words of s3cmd. `key:` begins a key of the bucket; `file` exists. */
  readonly command: string;
  readonly end: 'done' | 'refused';
}

const ROWS: Readonly<Record<string, Row>> = {
  'the owner puts a release': {
    as: 'owner',
    command: 'put file key:ubuntu/manifests/foreign',
    end: 'done',
  },
  'the owner puts one of another tree': {
    as: 'owner',
    command: 'put file key:osx/manifests/foreign',
    end: 'done',
  },
  'a machine writes a status': { as: 'machine', command: `put file key:${STATUS}`, end: 'done' },
  'a machine reads a release': {
    as: 'machine',
    command: 'get --force key:ubuntu/manifests/foreign out',
    end: 'done',
  },
  'a machine writes a release': {
    as: 'machine',
    command: 'put file key:ubuntu/manifests/foreign',
    end: 'refused',
  },
  'a machine reads another tree': {
    as: 'machine',
    command: 'get --force key:osx/manifests/foreign out',
    end: 'refused',
  },
  'a machine copies another tree': {
    as: 'machine',
    command: `cp key:osx/manifests/foreign key:${STATUS}`,
    end: 'refused',
  },
  'a machine copies a release over another': {
    as: 'machine',
    command: 'cp key:ubuntu/manifests/foreign key:ubuntu/manifests/other',
    end: 'refused',
  },
  'a machine reads a status': {
    as: 'machine',
    command: `get --force key:${STATUS} out`,
    end: 'refused',
  },
  'a machine lists status': { as: 'machine', command: 'ls key:ubuntu/status/', end: 'refused' },
  'a machine lists the bucket': { as: 'machine', command: 'ls key:', end: 'refused' },
  'a machine removes a release': {
    as: 'machine',
    command: 'del key:ubuntu/manifests/foreign',
    end: 'refused',
  },
  'a machine removes a status': { as: 'machine', command: `del key:${STATUS}`, end: 'refused' },
  'a machine sets the ACL of a release': {
    as: 'machine',
    command: 'setacl --acl-public key:ubuntu/manifests/foreign',
    end: 'refused',
  },
  'a machine makes its status public': {
    as: 'machine',
    command: `setacl --acl-public key:${STATUS}`,
    end: 'refused',
  },
  'a machine removes the bucket': { as: 'machine', command: 'rb key:', end: 'refused' },
  'a host writes its own status': { as: 'host', command: `put file key:${STATUS}`, end: 'done' },
  'a host writes the status of another': {
    as: 'host',
    command: 'put file key:ubuntu/status/hosts/web2.example.com.json',
    end: 'refused',
  },
  'a publisher writes a release': {
    as: 'publisher',
    command: 'put file key:ubuntu/manifests/foreign',
    end: 'done',
  },
  'a publisher writes a status': {
    as: 'publisher',
    command: `put file key:${STATUS}`,
    end: 'refused',
  },
  'a publisher removes a release': {
    as: 'publisher',
    command: 'del key:ubuntu/manifests/foreign',
    end: 'refused',
  },
  'a reader lists status': { as: 'reader', command: 'ls key:ubuntu/status/', end: 'done' },
  'a reader writes a status': { as: 'reader', command: `put file key:${STATUS}`, end: 'refused' },
  'a reader lists the bucket': { as: 'reader', command: 'ls key:', end: 'refused' },
};

/**
 * The printed policies against s3cmd, a client that is not ours. `keysOf` says what a user of the
 * policy contract signs with.
 */
export function foreignContract(
  server: string,
  target: () => ContractTarget,
  keysOf: (user: PolicyUser | 'owner') => Credentials,
): void {
  test(`policy, ${server}: s3cmd may do what the policies say, and no more`, async (t) => {
    const cwd = await temporaryDirectory(t);
    await writeFile(join(cwd, 'file'), 'content');
    const { endpoint, bucket } = target();
    const { host } = new URL(endpoint);
    const ends = Object.entries(ROWS).map(([what, { as, command }]) => {
      const words = command.split(' ').map((word) => word.replace(/^key:/, `s3://${bucket}/`));
      return [what, s3cmd([`--host=${host}`, `--host-bucket=${host}`, ...words], keysOf(as), cwd)];
    });
    const wanted = Object.entries(ROWS).map(([what, { end }]) => [what, end]);
    assert.deepEqual(Object.fromEntries(ends), Object.fromEntries(wanted));
  });
}

/** How it ended; its whole output, when it was neither done nor refused. */
function s3cmd(
  words: readonly string[],
  { accessKeyId, secretAccessKey }: Credentials,
  cwd: string,
): string {
  const keys = [`--access_key=${accessKeyId}`, `--secret_key=${secretAccessKey}`];
  const args = ['--config=/dev/null', '--no-ssl', ...keys, ...words];
  const { status, stdout, stderr } = spawnSync('s3cmd', args, { cwd, encoding: 'utf8' });
  if (status === 0) return 'done';
  return /403 \((AccessDenied|Forbidden)\)/.test(stderr)
    ? 'refused'
    : `${status} ${stdout}${stderr}`;
}
