import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, mkdtempDisposable, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openBucket } from '../../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { establishRoot, keyMap } from '../../../operator/commands/init/initial-root.ts';
import { firstChange, readEmptyTree } from '../../../operator/commands/init/initial-targets.ts';
import { type PublishPlan, planPublication } from '../../../operator/commands/publish/plan.ts';
import type { Change } from '../../../operator/commit/change.ts';
import { type Committed, commit } from '../../../operator/commit/commit.ts';
import type { Signer } from '../../../operator/keys/public/signer.ts';
import { parseSignedFile } from '../../../operator/metadata/signed-file.ts';
import { openRepository } from '../../../operator/repository/open-repository.ts';
import type { Repository, RepositoryOptions } from '../../../operator/repository/repository.ts';
import type { S3Server } from '../../support/s3/server.ts';
import { newSigner } from '../keys/keys.ts';
import { BUCKET, startServer, TREE, TREE_ID } from '../operator-lab.ts';

/** A tree in a bucket, and publishers who have nothing in common but that. */
export interface SharedTree {
  readonly server: S3Server;
  readonly operator: Signer;
  readonly safe: Signer;
  readonly root: Buffer;
  /** A publisher with a state of its own. */
  publisher(wanted?: Partial<RepositoryOptions>): Promise<Publisher>;
}

export interface Publisher {
  readonly repository: Repository;
  readonly options: RepositoryOptions;
  publish(environment: string, content?: Buffer): Promise<Committed<PublishPlan>>;
}

/** Others than the operator who sign for a role, and how many of them it takes. */
export interface Delegates {
  readonly role: string;
  readonly signers: readonly Signer[];
  readonly threshold: number;
}

/**
 * A tree with environments stable and testing, both the operator's but for what `delegates` says.
 */
export async function sharedTree(t: TestContext, delegates?: Delegates): Promise<SharedTree> {
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const server = await startServer(t);
  const settings = S3Settings.parse({ endpoint: server.endpoint });
  const operator = newSigner();
  const safe = newSigner();
  const now = () => Date.now();
  const keyring = { place: 'memory', signers: [operator] };
  const bucket = await openBucket(BUCKET, settings);
  t.after(() => bucket.close());
  const place = { bucket, tree: TREE };
  const keys = { operator, safe };
  const { bytes: root } = await establishRoot({ ...place, treeId: TREE_ID, keys, now });
  const first = delegate(firstChange(['stable', 'testing'], operator), delegates);
  const read = () => readEmptyTree(place, parseSignedFile(root, 'root'));
  const everybody = { place: 'memory', signers: [operator, safe, ...(delegates?.signers ?? [])] };
  await commit({ ...place, treeId: TREE_ID, keyring: everybody, now, read }, () => ({
    kind: 'change',
    change: first,
    answer: undefined,
  }));
  return {
    server,
    operator,
    safe,
    root,
    async publisher(wanted = {}) {
      const own = await openBucket(BUCKET, settings);
      t.after(() => own.close());
      const options: RepositoryOptions = {
        bucket: own,
        tree: TREE,
        treeId: TREE_ID,
        root,
        stateDirectory: await mkdtemp(join(directory, 'state-')),
        environments: ['stable', 'testing', 'dev'],
        keyring,
        now,
        ...wanted,
      };
      const repository = openRepository(options);
      return {
        options,
        repository,
        publish: (environment, content) => publishBytes(repository, environment, content),
      };
    },
  };
}

function delegate(change: Change, delegates: Delegates | undefined): Change {
  const targets = change.roles.get('targets');
  if (delegates === undefined || targets === undefined) return change;
  const { keys, roles } = targets['delegations'] as {
    readonly keys: object;
    readonly roles: readonly { readonly name: string }[];
  };
  const { role, signers, threshold } = delegates;
  const keyids = signers.map(({ keyId }) => keyId);
  const delegations = {
    keys: { ...keys, ...keyMap(signers) },
    roles: roles.map((each) => (each.name === role ? { ...each, keyids, threshold } : each)),
  };
  return { ...change, roles: new Map([...change.roles, ['targets', { ...targets, delegations }]]) };
}

/** Publishes bytes that stand for a tarball. */
async function publishBytes(
  repository: Repository,
  environment: string,
  content: Buffer = randomBytes(100),
): Promise<Committed<PublishPlan>> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const startedAt = repository.now();
  await using directory = await mkdtempDisposable(join(tmpdir(), 'miyamoto-test-'));
  const path = join(directory.path, 'release.tar.gz');
  await writeFile(path, content);
  return await commit(repository, (verified) =>
    planPublication(
      {
        environment,
        version: undefined,
        reason: '',
        force: false,
        by: 'test',
        startedAt,
        source: { commit: null, ref: null },
        passGates: () => Promise.resolve(),
        earlierVersions: () => Promise.resolve([]),
        pack: () => Promise.resolve({ sha256, length: content.length, path }),
      },
      verified,
    ),
  );
}
