import type { ErrorCode } from '../../../shared/coded-error.ts';
import { MAX_VERSION, MAX_VERSION_STEP } from '../../../trust/metadata/version-limits.ts';
import type { TufSimulator } from './simulator.ts';
import { aliasOf, newKey, signDocument } from './simulator-keys.ts';
import { doubleRootKey, listed, otherTree, putRoot } from './simulator-plays.ts';

/** One step of a random history of a bucket. */
export interface Play {
  /** `earlier`: a bucket of the past. `pick`: any whole number. */
  readonly play: (
    repository: TufSimulator,
    given: { readonly earlier: ReadonlyMap<string, Buffer>; readonly pick: number },
  ) => void;
  /** The code by which hosts refuse what plain TUF accepts, and the reason. */
  readonly stricter?: { readonly code: ErrorCode; readonly why: string };
}

const LIMIT = {
  code: 'METADATA_INVALID',
  why: 'one signature must not use up the versions of a role (version-limits.ts)',
} as const;

/** What honest people do. */
export const HONEST: Readonly<Record<string, Play>> = {
  'a release of stable': {
    play: (repository, { pick }) => repository.publish('stable', `1.${pick}.0`),
  },
  'a release of testing': { play: (repository) => repository.publish('testing', '1.0.0') },
  'targets signed again': { play: (repository) => repository.commit(['targets']) },
  'timestamp signed again': { play: (repository) => repository.writeTimestamp() },
  'new online keys': {
    play(repository) {
      repository.rotateOnline('timestamp', 'snapshot');
      repository.commit();
    },
  },
  'new online keys, and versions that begin again': {
    play(repository) {
      repository.rotateOnline('timestamp', 'snapshot');
      repository.timestamp.version = 0;
      repository.snapshot.version = 0;
      repository.commit();
    },
  },
  'new root keys': {
    play(repository) {
      const people = [newKey(), newKey()];
      const keyids = people.map(({ keyId }) => keyId);
      repository.rotateRoot((roles) => {
        roles.root = { keyids, threshold: 2 };
      }, people);
      repository.commit();
    },
  },
  'two signatures for stable': {
    play(repository) {
      repository.delegate('stable', newKey(), newKey());
      const delegated = repository.targets.delegations?.roles.find(
        ({ name }) => name === 'env-stable',
      );
      if (delegated !== undefined) delegated.threshold = 2;
      repository.commit(['targets', 'env-stable']);
    },
  },
};

/** What thieves of the bucket and of some keys do. */
export const HOSTILE: Readonly<Record<string, Play>> = {
  'the whole bucket is put back': {
    play(repository, { earlier }) {
      repository.files = new Map(earlier);
    },
  },
  'one file is put back': {
    play({ files }, { earlier, pick }) {
      const name = [...earlier.keys()].at(pick % earlier.size) ?? '';
      files.set(name, earlier.get(name) ?? Buffer.alloc(0));
    },
  },
  'the timestamp is put back': {
    play: ({ files }, { earlier }) =>
      void files.set('timestamp.json', earlier.get('timestamp.json') ?? Buffer.alloc(0)),
  },
  'a file is missing': {
    play({ files }, { pick }) {
      files.delete([...files.keys()].at(pick % files.size) ?? '');
    },
  },
  'a byte of a file is changed': {
    play({ files }, { pick }) {
      const name = [...files.keys()].at(pick % files.size) ?? '';
      const bytes = Buffer.from(files.get(name) ?? '');
      bytes[pick % bytes.length] = (bytes[pick % bytes.length] ?? 0) ^ 1;
      files.set(name, bytes);
    },
  },
  'two files change places': {
    play({ files }, { pick }) {
      const names = [...files.keys()];
      const [a = '', b = ''] = [names.at(pick % names.length), names.at((pick * 7) % names.length)];
      const [first, second] = [files.get(a), files.get(b)];
      if (first === undefined || second === undefined) return;
      files.set(a, second).set(b, first);
    },
  },
  'the online key names an older release': {
    play(repository, { earlier }) {
      const old = listed(earlier, 'timestamp.json', 'snapshot');
      const entry = listed(earlier, `${old.version}.snapshot.json`, 'env-stable');
      repository.snapshot.meta['env-stable.json'] = entry;
      repository.commit();
    },
  },
  'the online key drops an environment': {
    play(repository) {
      delete repository.snapshot.meta['env-stable.json'];
      repository.commit();
    },
  },
  'the online key drives versions up': {
    play(repository, { pick }) {
      repository.timestamp.version += pick;
      repository.snapshot.version += pick;
      repository.commit();
    },
  },
  'the online key leaps': {
    play(repository) {
      repository.timestamp.version += MAX_VERSION_STEP + 1;
      repository.commit();
    },
    stricter: LIMIT,
  },
  'the online key signs a version above the limit': {
    play(repository) {
      repository.timestamp.version = MAX_VERSION;
      repository.commit();
    },
    stricter: LIMIT,
  },
  'the key of testing signs stable': {
    play(repository) {
      const own = repository.signers.get('env-stable') ?? [];
      repository.signers.set('env-stable', [repository.keys.ci]);
      repository.publish('stable', '6.6.6');
      repository.signers.set('env-stable', own);
    },
  },
  'a key of stable alone': {
    play(repository) {
      const own = repository.signers.get('env-stable') ?? [];
      repository.signers.set('env-stable', own.slice(0, 1));
      repository.publish('stable', '6.6.7');
      repository.signers.set('env-stable', own);
    },
  },
  'an old online key signs': {
    play(repository) {
      const { online } = repository.keys;
      repository.timestamp.version += 1;
      repository.files.set('timestamp.json', signDocument(repository.timestamp, [online]));
    },
  },
  'a root by its own keys': {
    play: (repository) => putRoot(repository, repository.root.version + 1, 'new'),
  },
  'a root that one key signed': {
    play(repository) {
      const root = structuredClone(repository.root);
      root.version += 1;
      const [one] = repository.signers.get('root') ?? [];
      const name = `${root.version}.root.json`;
      if (one !== undefined) repository.files.set(name, signDocument(root, [one]));
    },
  },
  'a root that jumps': {
    play(repository) {
      const { version } = repository.root;
      const root = { ...structuredClone(repository.root), version: version + 2 };
      const bytes = signDocument(root, repository.signers.get('root') ?? []);
      repository.files.set(`${version + 1}.root.json`, bytes);
    },
  },
  'metadata that has expired': {
    play(repository, { pick }) {
      const { now } = repository;
      repository.now = now - 400 * 86_400_000;
      const role = (['targets', 'env-stable'] as const)[pick % 2] ?? 'targets';
      repository.writeRole(role);
      repository.now = now;
      repository.commit();
    },
  },
  'another major version of TUF': {
    play(repository) {
      repository.timestamp.spec_version = '2.0.0';
      repository.writeTimestamp();
    },
  },
  'a timestamp that is too large': {
    play(repository) {
      repository.timestamp['x-more'] = 'x'.repeat(20_000);
      repository.writeTimestamp();
    },
  },
  'a threshold of none': {
    play(repository) {
      const [first] = repository.targets.delegations?.roles ?? [];
      if (first !== undefined) first.threshold = 0;
      repository.commit(['targets']);
    },
  },
  'files of another tree with the same keys': {
    play(repository) {
      const other = otherTree(repository, repository.keys);
      repository.files.set('timestamp.json', other.files.get('timestamp.json') ?? Buffer.alloc(0));
      for (const [file, bytes] of other.files) {
        if (!file.endsWith('.root.json')) repository.files.set(file, bytes);
      }
    },
    stricter: { code: 'TREE_MISMATCH', why: 'keys may be shared by trees: x-tree' },
  },
  'one key under two ids': {
    play(repository) {
      doubleRootKey(repository, aliasOf);
      const twins = repository.signers.get('root') ?? [];
      repository.signers.set('targets', twins);
      repository.commit(['targets']);
    },
    stricter: { code: 'METADATA_INVALID', why: 'one person must not reach a threshold of two' },
  },
  'a release without sha256': {
    play(repository) {
      repository.release('stable', '6.6.8');
      const target = repository.role('stable').targets['stable/current'];
      if (target !== undefined) target.hashes = { sha512: 'ab'.repeat(64) };
      repository.commit(['env-stable']);
    },
    stricter: { code: 'METADATA_INVALID', why: 'hosts compare the sha256 of the tarball' },
  },
};
