import { DAY_MS } from './simulator-documents.ts';
import { aliasOf, newKey, pemAliasOf, signDocument } from './simulator-keys.ts';
import { type Attack, doubleRootKey, parse, put, putRoot } from './simulator-plays.ts';

/** Attacks 14 to L: keys that sign what they may not sign, clocks, and mistakes of signers. */
export const KEY_ATTACKS: Readonly<Record<string, Attack>> = {
  '14 the CI key signs env-stable': {
    play({ repository }) {
      repository.signers.set('env-stable', [repository.keys.ci]);
      repository.commit(['env-stable']);
    },
    code: 'METADATA_UNSIGNED',
  },
  '15 a root signed by the new keys only': {
    play: ({ repository }) => putRoot(repository, repository.root.version + 1, 'new'),
    code: 'METADATA_UNSIGNED',
  },
  '15 a root signed by the old keys only': {
    play: ({ repository }) => putRoot(repository, repository.root.version + 1, 'old'),
    code: 'METADATA_UNSIGNED',
  },
  '15 a root that skips a version': {
    play: ({ repository }) => putRoot(repository, repository.root.version + 2, 'both'),
    code: 'METADATA_MISMATCH',
  },
  '15 a root signed by one of two': {
    play({ repository }) {
      const root = { ...repository.root, version: repository.root.version + 1 };
      put(repository, '2.root.json', signDocument(root, repository.keys.root.slice(0, 1)));
    },
    code: 'METADATA_UNSIGNED',
  },
  '16 a revoked release key signs env-stable': {
    play({ repository }) {
      repository.delegate('stable', newKey());
      repository.signers.set('env-stable', [repository.keys.release]);
      repository.commit(['targets', 'env-stable']);
    },
    code: 'METADATA_UNSIGNED',
  },
  '16 a revoked online key signs timestamp': {
    play({ repository }) {
      repository.rotateOnline('timestamp', 'snapshot');
      repository.commit();
      repository.signers.set('timestamp', [repository.keys.online]);
      repository.writeTimestamp();
    },
    code: 'METADATA_UNSIGNED',
    newRoot: true,
  },
  '18 the clock stands 25 days back, timestamp has expired': {
    play({ repository, host, seen }) {
      repository.files = new Map(seen);
      repository.source.serverDate = host.now + 25 * DAY_MS;
    },
    code: 'METADATA_EXPIRED',
    role: 'timestamp',
    lasting: true,
  },
  '21 timestamp is signed again, later expiry, same version': {
    play({ repository, host, seen }) {
      const { signed } = parse(seen.get('timestamp.json')!);
      host.now += 20 * DAY_MS;
      const late = { ...signed, expires: '2040-12-31T00:00:00Z' };
      repository.files = new Map(seen);
      put(repository, 'timestamp.json', signDocument(late, [repository.keys.online]));
    },
    code: 'METADATA_EXPIRED',
    role: 'timestamp',
    lasting: true,
  },
  '22 a target without a hash': {
    play({ repository }) {
      repository.role('stable').targets['stable/current']!.hashes = {};
      repository.commit(['env-stable']);
    },
    code: 'METADATA_INVALID',
  },
  '22 a target of no bytes': {
    play({ repository }) {
      repository.role('stable').targets['stable/current']!.length = 0;
      repository.commit(['env-stable']);
    },
    code: 'METADATA_INVALID',
  },
  '31 one root key under two ids': {
    play: ({ repository }) => doubleRootKey(repository, aliasOf),
    code: 'METADATA_INVALID',
  },
  '31 one root key as hex and as PEM': {
    play: ({ repository }) => doubleRootKey(repository, pemAliasOf),
    code: 'METADATA_INVALID',
  },
  '31 one release key under two ids': {
    play({ repository }) {
      const { release } = repository.keys;
      repository.delegate('stable', release, aliasOf(release));
      repository.commit(['targets', 'env-stable']);
    },
    code: 'METADATA_INVALID',
  },
  'L a naive cron signed a replayed timestamp again': {
    play({ repository, earlier }) {
      const { signed } = parse(earlier.get('timestamp.json')!);
      const laundered = { ...signed, version: repository.timestamp.version + 1 };
      put(repository, 'timestamp.json', signDocument(laundered, [repository.keys.online]));
    },
    code: 'METADATA_ROLLBACK',
  },
};
