import type { ErrorCode } from '../../shared/coded-error.ts';
import type { TufSimulator } from '../support/tuf/simulator.ts';
import { newKey, sha256 } from '../support/tuf/simulator-keys.ts';
import { find, forge, listed, longAgo, newest, putRoot } from '../support/tuf/simulator-plays.ts';
import type { Scene } from './scene.ts';

export interface Scenario {
  /** Changes the repository after the client has accepted all of it. */
  readonly play: (scene: Scene) => void;
  /** `accepted`: the client trusts what is published now. */
  readonly end: 'accepted' | ErrorCode;
  /** What a client that refused trusts now but did not trust before. */
  readonly nowTrusted?: Readonly<Record<string, number>>;
}

/** For a client that has accepted a whole repository once. */
export const REFRESHES: Readonly<Record<string, Scenario>> = {
  'nothing new': { play() {}, end: 'accepted' },
  'new versions of everything': {
    play({ repository }) {
      repository.writeRoot();
      repository.commit(['targets']);
    },
    end: 'accepted',
  },
  'root 1 to 3, with other people each time': {
    play({ repository }) {
      for (let times = 0; times < 2; times += 1) {
        const people = [newKey(), newKey()];
        repository.rotateRoot(({ root }) => {
          root.keyids = people.map(({ keyId }) => keyId);
        }, people);
      }
      repository.commit();
    },
    end: 'accepted',
  },
  'a root signed by its own keys alone': {
    play: ({ repository }) => putRoot(repository, 2, 'new'),
    end: 'METADATA_UNSIGNED',
  },
  'a root signed by the old keys alone': {
    play: ({ repository }) => putRoot(repository, 2, 'old'),
    end: 'METADATA_UNSIGNED',
  },
  'a root of a version that was not asked for': {
    play: ({ repository }) => putRoot(repository, 3, 'both'),
    end: 'METADATA_MISMATCH',
  },
  'one signature on targets, where two are wanted': {
    play({ repository }) {
      repository.signers.set('targets', repository.keys.root.slice(0, 1));
      repository.commit(['targets']);
    },
    end: 'METADATA_UNSIGNED',
  },
  'a root that has expired': {
    play({ repository }) {
      longAgo(repository, () => repository.writeRoot());
      repository.commit();
    },
    end: 'METADATA_EXPIRED',
    nowTrusted: { 'root.json': 2 },
  },
  'a timestamp that has expired': {
    play: ({ repository }) => longAgo(repository, () => repository.writeTimestamp()),
    end: 'METADATA_EXPIRED',
  },
  'a snapshot that has expired': {
    play({ repository }) {
      longAgo(repository, () => repository.writeSnapshot());
      repository.writeTimestamp();
    },
    end: 'METADATA_EXPIRED',
  },
  'timestamp rolled back': {
    play: ({ repository, earlier }) =>
      repository.files.set('timestamp.json', earlier.get('timestamp.json')!),
    end: 'METADATA_ROLLBACK',
  },
  'snapshot rolled back': {
    play({ repository, earlier }) {
      repository.timestamp.meta['snapshot.json'] = listed(earlier, 'timestamp.json', 'snapshot');
      repository.writeTimestamp();
    },
    end: 'METADATA_ROLLBACK',
  },
  'targets rolled back': {
    play({ repository, earlier }) {
      const meta = repository.snapshot.meta['targets.json']!;
      const old = find(earlier, '.targets.json');
      Object.assign(meta, { version: 1, length: old.length, hashes: { sha256: sha256(old) } });
      repository.commit();
    },
    end: 'METADATA_ROLLBACK',
  },
  'a snapshot with other bytes than signed': {
    play({ repository }) {
      repository.commit();
      forge(repository, newest(repository, 'snapshot'));
    },
    end: 'METADATA_MISMATCH',
  },
  'a snapshot that is not there': {
    play({ repository }) {
      repository.commit();
      repository.files.delete(newest(repository, 'snapshot'));
    },
    end: 'METADATA_MISSING',
  },
  'a timestamp without end': {
    play({ server }) {
      server.endless = '/metadata/timestamp.json';
    },
    end: 'S3_TOO_LARGE',
  },
  'a root without end': {
    play({ server }) {
      server.endless = '/metadata/2.root.json';
    },
    end: 'S3_TOO_LARGE',
  },
  'a snapshot without end': {
    play({ repository, server }) {
      repository.commit();
      server.endless = `/metadata/${newest(repository, 'snapshot')}`;
    },
    end: 'S3_TOO_LARGE',
  },
};

/** The target that a repository of these scenes names from the start, by a delegated role. */
export const RELEASE = 'stable/current';
export const CONTENT = 'tarball of stable 1.1.0';
const OTHER_CONTENT = CONTENT.replace('1.1.0', '6.6.6');

export interface Download {
  readonly play?: (scene: Scene) => void;
  readonly targets: readonly string[];
  readonly end: 'done' | ErrorCode;
  readonly downloaded: readonly string[];
}

/** For a client that has already refreshed. */
export const DOWNLOADS: Readonly<Record<string, Download>> = {
  'a target of a delegated role': { targets: [RELEASE], end: 'done', downloaded: [CONTENT] },
  'a target in a folder, named by the top level': {
    play: ({ repository }) => addTarget(repository, 'a/b/c.txt', 'in a folder'),
    targets: ['a/b/c.txt'],
    end: 'done',
    downloaded: ['in a folder'],
  },
  'a target that no role names': {
    targets: ['stable/unheard-of'],
    end: 'METADATA_MISSING',
    downloaded: [],
  },
  'two targets of which the first is not there': {
    targets: ['unheard-of', RELEASE],
    end: 'METADATA_MISSING',
    downloaded: [],
  },
  'a target with other bytes of the same length': {
    play: ({ repository }) => repository.blobs.set(sha256(CONTENT), Buffer.from(OTHER_CONTENT)),
    targets: [RELEASE],
    end: 'BLOB_MISMATCH',
    downloaded: [],
  },
  'a target whose file is gone': {
    play: ({ repository }) => repository.blobs.delete(sha256(CONTENT)),
    targets: [RELEASE],
    end: 'S3_NOT_FOUND',
    downloaded: [],
  },
  'a target without end': {
    play({ server }) {
      server.endless = `/targets/stable/${sha256(CONTENT)}.current`;
    },
    targets: [RELEASE],
    end: 'BLOB_MISMATCH',
    downloaded: [],
  },
};

/** Enters a target in the top-level role, with its content. */
export function addTarget(repository: TufSimulator, path: string, content: string): void {
  const bytes = Buffer.from(content);
  repository.blobs.set(sha256(bytes), bytes);
  repository.targets.targets[path] = { length: bytes.length, hashes: { sha256: sha256(bytes) } };
  repository.commit(['targets']);
}
