import { newTreeKeys, TufSimulator } from './simulator.ts';
import { KEY_ATTACKS } from './simulator-key-attacks.ts';
import {
  type Attack,
  dropStable,
  exchange,
  find,
  forge,
  listed,
  longAgo,
  newest,
  otherTree,
  put,
} from './simulator-plays.ts';

/** The attacks of docs/trust.md that aim at the metadata; 01 to 03 aim at the tarball. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  '05 a field of timestamp is changed': {
    play: ({ repository }) => forge(repository, 'timestamp.json'),
    code: 'METADATA_UNSIGNED',
  },
  '05 a field of snapshot is changed': {
    play: ({ repository }) => forge(repository, newest(repository, 'snapshot')),
    code: 'METADATA_MISMATCH',
  },
  '05 a field of targets is changed': {
    play: ({ repository }) => forge(repository, newest(repository, 'targets')),
    code: 'METADATA_MISMATCH',
  },
  '05 a field of env-stable is changed': {
    play: ({ repository }) => forge(repository, newest(repository, 'env-stable')),
    code: 'METADATA_MISMATCH',
  },
  '06 HTML instead of timestamp': {
    play: ({ repository }) => put(repository, 'timestamp.json', '<html>captive portal</html>'),
    code: 'METADATA_INVALID',
  },
  '07 the whole chain is signed again with other keys': {
    play({ repository }) {
      repository.files = new TufSimulator({ treeId: repository.treeId }).files;
    },
    code: 'METADATA_UNSIGNED',
  },
  '07 a root that signs itself': {
    play({ repository }) {
      const thief = new TufSimulator({ treeId: repository.treeId });
      thief.writeRoot();
      put(repository, '2.root.json', thief.files.get('2.root.json')!);
    },
    code: 'METADATA_UNSIGNED',
  },
  '08 an old timestamp is replayed': {
    play: ({ repository, earlier }) =>
      put(repository, 'timestamp.json', earlier.get('timestamp.json')!),
    code: 'METADATA_ROLLBACK',
  },
  '09 online key stolen: an older snapshot': {
    play({ repository, earlier }) {
      repository.timestamp.meta['snapshot.json'] = listed(earlier, 'timestamp.json', 'snapshot');
      repository.writeTimestamp();
    },
    code: 'METADATA_ROLLBACK',
  },
  '09 online key stolen: an older env-stable': {
    play({ repository, earlier }) {
      const snapshot = `${listed(earlier, 'timestamp.json', 'snapshot').version}.snapshot.json`;
      repository.snapshot.meta['env-stable.json'] = listed(earlier, snapshot, 'env-stable');
      repository.commit();
    },
    code: 'METADATA_ROLLBACK',
  },
  '09 online key stolen: env-stable is dropped': {
    play: dropStable,
    code: 'METADATA_ROLLBACK',
  },
  '09 online key stolen: env-stable is dropped, fresh host': {
    play: dropStable,
    code: 'METADATA_MISSING',
    fresh: true,
  },
  '09 online key stolen: targets is dropped, fresh host': {
    play({ repository }) {
      delete repository.snapshot.meta['targets.json'];
      repository.commit();
    },
    code: 'METADATA_INVALID',
    fresh: true,
  },
  '11 timestamp has expired': {
    play: ({ repository }) => longAgo(repository, () => repository.writeTimestamp()),
    code: 'METADATA_EXPIRED',
    role: 'timestamp',
  },
  '11 snapshot has expired': {
    play({ repository }) {
      longAgo(repository, () => repository.writeSnapshot());
      repository.writeTimestamp();
    },
    code: 'METADATA_EXPIRED',
    role: 'snapshot',
  },
  '11 targets has expired': {
    play({ repository }) {
      longAgo(repository, () => repository.writeRole('targets'));
      repository.commit();
    },
    code: 'METADATA_EXPIRED',
    role: 'targets',
  },
  '11 env-stable has expired': {
    play({ repository }) {
      longAgo(repository, () => repository.writeRole('env-stable'));
      repository.commit();
    },
    code: 'METADATA_EXPIRED',
    role: 'env-stable',
  },
  '11 the newest root has expired': {
    play: ({ repository }) => longAgo(repository, () => repository.writeRoot()),
    code: 'METADATA_EXPIRED',
    role: 'root',
    newRoot: true,
  },
  '12 env-stable of an older version under the new name': {
    play: ({ repository, earlier }) =>
      put(repository, newest(repository, 'env-stable'), find(earlier, '.env-stable.json')),
    code: 'METADATA_MISMATCH',
  },
  '12 env-testing under the name of env-stable': {
    play: ({ repository }) =>
      put(
        repository,
        newest(repository, 'env-stable'),
        find(repository.files, '.env-testing.json'),
      ),
    code: 'S3_TOO_LARGE',
  },
  '12c another tree with the same keys is copied over': {
    play({ repository }) {
      repository.files = otherTree(repository, repository.keys).files;
    },
    code: 'TREE_MISMATCH',
  },
  '12e a root of another tree with the same root keys': {
    play({ repository }) {
      const other = otherTree(repository, { ...newTreeKeys(), root: repository.keys.root });
      other.writeRoot();
      put(repository, '2.root.json', other.files.get('2.root.json')!);
    },
    code: 'TREE_MISMATCH',
  },
  '12f fast-forward by another tree with the same keys': {
    play({ repository }) {
      const other = otherTree(repository, repository.keys);
      other.timestamp.version = 50;
      other.snapshot.version = 50;
      other.commit();
      for (const [file, bytes] of other.files) put(repository, file, bytes);
    },
    code: 'TREE_MISMATCH',
  },
  '12g env-stable of another tree, all else honest': {
    play({ repository }) {
      repository.role('stable')['x-tree'] = 'acme-test/osx';
      repository.commit(['env-stable']);
    },
    code: 'TREE_MISMATCH',
  },
  '12h online key stolen: env-testing, by the same key, as a newer env-stable': {
    play(scene) {
      const { repository } = scene;
      const [stable, testing] = [repository.role('stable'), repository.role('testing')];
      stable['x-role'] = 'env-stable';
      testing['x-role'] = 'env-testing';
      testing.version = stable.version;
      repository.delegate('stable', repository.keys.ci);
      repository.commit(['targets', 'env-stable', 'env-testing']);
      exchange(repository, 'testing', 'stable');
    },
    code: 'METADATA_MISMATCH',
  },
  ...endless('timestamp', 'root', 'snapshot', 'targets', 'env-stable'),
  '13 timestamp comes byte by byte': {
    play: ({ repository }) => repository.source.faults.set('timestamp.json', { kind: 'slow' }),
    code: 'S3_UNREACHABLE',
  },
  '13 env-stable comes byte by byte': {
    play: ({ repository }) =>
      repository.source.faults.set(newest(repository, 'env-stable'), { kind: 'slow' }),
    code: 'S3_UNREACHABLE',
  },
  ...KEY_ATTACKS,
};

function endless(...roles: string[]): Record<string, Attack> {
  return Object.fromEntries(
    roles.map((role) => [
      `13 ${role} never ends`,
      {
        play({ repository }) {
          const file = role === 'root' ? '2.root.json' : newest(repository, role);
          repository.source.faults.set(file, { kind: 'endless' });
        },
        code: 'S3_TOO_LARGE',
      } satisfies Attack,
    ]),
  );
}
