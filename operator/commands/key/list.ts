import { printable } from '../../../shared/clean-text.ts';
import { counted } from '../../../shared/counted.ts';
import { roleWord } from '../../../trust/metadata/role-names.ts';
import type { TreeConfig } from '../../config.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import type { KeyListAnswer } from '../../key-answers.ts';
import { readSigningKeys } from '../../keys/keyring.ts';
import type { SigningKeyFile } from '../../keys/signing-key.ts';
import { renewalMark, type SigningMode } from '../../metadata/expiry-days.ts';
import { listedKeys, roleEntries } from '../../metadata/role-keys.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { keysDirectory, withRepository, withTree } from '../../open-tree.ts';
import { repairing } from '../../repository/recovery/recovery.ts';
import { table } from '../../table.ts';
import { hasKey } from './arguments.ts';

const DAY_MS = 86_400_000;

export type KeyOverview = Pick<KeyListAnswer, 'keys' | 'roles'>;

/**
 * `mm key list`: which keys may sign which role, how many signatures it needs, and when it expires.
 */
export async function listKeys(context: Context, options: SigningOptions): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { config, bucket } = tree;
    const files = await readSigningKeys(keysDirectory(context, config, options));
    const needs = { environments: 'all' } as const;
    return await withRepository(context, tree, needs, async ({ repository, options: opened }) => {
      // Root and targets say who may sign, so a thief of an online key cannot hide it.
      const verified = await repairing(repository, opened).read();
      const seen = overview(verified, files, { now: context.now(), mode: config.mode });
      const place = { bucket: bucket.name, tree: config.tree };
      const document: KeyListAnswer = { schemaVersion: 1, ...place, ...seen };
      return { document, lines: overviewLines(document, config) };
    });
  });
}

/** Keys of the metadata, and keys on this machine that are in no role; then the roles. */
export function overview(
  verified: VerifiedMetadata,
  files: readonly SigningKeyFile[],
  { now, mode }: { readonly now: number; readonly mode: SigningMode },
): KeyOverview {
  const entries = roleEntries(verified);
  const listed = listedKeys(verified);
  const unused = files.filter(
    ({ document }) => !listed.some((key) => key.keyId === document.keyid),
  );
  const named = [
    ...listed.map(({ keyId, name }) => ({ keyId, name })),
    ...unused.map(({ name, document }) => ({ keyId: document.keyid, name })),
  ];
  const keys = named.map(({ keyId, name }) => {
    const file = files.find(({ document }) => document.keyid === keyId);
    const words = entries.filter((entry) => hasKey(entry, keyId)).map(({ role }) => roleWord(role));
    const [path, kind] = file === undefined ? [null, null] : [file.path, kindOf(file)];
    return { keyId, name: printable(name, 64), roles: [...new Set(words)], file: path, kind };
  });
  const roles = entries.map(({ role, threshold, keyIds, covers }) => {
    const expires = verified.expires[role] ?? null;
    const days = expires === null ? null : Math.floor((Date.parse(expires) - now) / DAY_MS);
    const renewBelowDays = renewalMark(role, mode);
    return {
      ...{ role, threshold, keyIds: [...keyIds], covers: [...covers] },
      ...{ expires, days, renewBelowDays },
    };
  });
  return { keys, roles };
}

/** Snapshot and timestamp are one line: they have the same keys, and the earlier expiry counts. */
function byWord(roles: KeyOverview['roles']): KeyOverview['roles'] {
  const online = roles.filter(({ role }) => roleWord(role) === 'online');
  const [first] = online.sort((a, b) => (a.days ?? Infinity) - (b.days ?? Infinity));
  return roles.filter((role) => role === first || !online.includes(role));
}

function kindOf({ document }: SigningKeyFile): string {
  const { kind } = document.private;
  if (kind === 'plain') return 'file without passphrase';
  return kind === 'scrypt-aes-256-gcm' ? 'file' : kind;
}

/** The tables of keys and roles, for people. */
export function overviewLines({ keys, roles }: KeyOverview, { id }: TreeConfig): string[] {
  const keyRows = keys.map(({ keyId, name, roles: words, kind }) => [
    keyId.slice(0, 12),
    name || '(no name)',
    words.join(', ') || 'no role',
    kind ?? 'not on this machine',
  ]);
  const roleRows = byWord(roles).map(({ role, threshold, keyIds, covers, days }) => [
    roleWord(role),
    covers.map((name) => printable(name, 64)).join(', '),
    `${threshold} of ${keyIds.length}`,
    keyIds
      .map((keyId) => keys.find((key) => key.keyId === keyId)?.name || keyId.slice(0, 12))
      .join(', '),
    days === null ? 'never signed' : counted(days, 'day'),
  ]);
  return [
    `tree ${id}`,
    '',
    ...table([['key', 'name', 'signs', 'here'], ...keyRows]),
    '',
    ...table([['role', 'environments', 'signatures', 'keys', 'expires in'], ...roleRows]),
  ];
}
