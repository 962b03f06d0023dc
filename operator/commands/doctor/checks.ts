import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { type Check, tried } from '../../../shared/doctor/checks.ts';
import { orUndefined, readNamed } from '../../../shared/files.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { MAX_FILE_BYTES } from '../../../trust/metadata/file-limits.ts';
import { roleWord } from '../../../trust/metadata/role-names.ts';
import { rootFile } from '../../../trust/workflow/root-chain.ts';
import { CLOCK_NEXT, clockProblem } from '../../commit/require-clock.ts';
import { loadConfig, selectTree } from '../../config.ts';
import type { Context, SigningOptions } from '../../context.ts';
import { readSigningKeys } from '../../keys/keyring.ts';
import type { SigningKeyFile } from '../../keys/signing-key.ts';
import { problemLine, unreadableReleases } from '../../metadata/heard-releases.ts';
import { keyIdsIn } from '../../metadata/role-keys.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import {
  keysDirectory,
  type OpenTree,
  type RepositoryWork,
  withRepository,
} from '../../open-tree.ts';
import { RESTORE } from '../../repository/explained.ts';
import { readAsNewHost } from '../../repository/read-bucket.ts';
import type { RepositoryOptions } from '../../repository/repository.ts';
import { hasBlob } from '../../repository/require-blob.ts';
import { readFile } from '../../repository/stored-files.ts';
import { type KeyOverview, overview } from '../key/list.ts';

export interface Examination {
  readonly checks: readonly Check[];
  readonly seen: KeyOverview | undefined;
}

/**
 * Runs every check, also after a failed one. The only thing that it writes is the kept state of the
 * bucket.
 */
export async function examine(
  context: Context,
  tree: OpenTree,
  options: SigningOptions,
): Promise<Examination> {
  const { config } = tree;
  const checks: Check[] = [];
  const directory = keysDirectory(context, config, options);
  const files = await tried(checks, 'signing keys', async () => {
    const found = await readSigningKeys(directory);
    return { value: found, message: `${found.length} in ${directory}` };
  });
  checks.push(await checkSharedKeys(context, options, files ?? []));
  const opened = await tried(checks, 'trust root', () =>
    withRepository(context, tree, { environments: 'all' }, async (work) => ({
      value: await examineBucket(checks, work),
      message: `${config.rootFile} is the root of ${config.id}`,
    })),
  );
  if (opened === undefined) return { checks, seen: undefined };
  const now = context.now();
  checks.push(clockCheck(now, opened));
  const seen = overview(opened, files ?? [], { now, mode: config.mode });
  checks.push(...(await tarballChecks(tree, opened)));
  checks.push(...releaseChecks(opened), ...expiryChecks(opened, seen), ...keyChecks(seen));
  return { checks, seen };
}

function clockCheck(now: number, { serverDate }: VerifiedMetadata): Check {
  const name = 'clock';
  const problem = clockProblem(now, serverDate);
  if (problem !== undefined) {
    return { name, outcome: 'failed', message: problem, next: CLOCK_NEXT };
  }
  const message = serverDate === undefined ? 'S3 gave no time to compare with' : 'as that of S3';
  return { name, outcome: 'ok', message, next: null };
}

async function examineBucket(checks: Check[], opened: RepositoryWork): Promise<VerifiedMetadata> {
  const { options } = opened;
  const place = `s3://${options.bucket.name}/${options.tree}`;
  const fresh = await tried(checks, 'a host installed today', async () => {
    const verified = await readAsNewHost(options);
    return {
      value: verified,
      message: `can follow ${place}, timestamp ${verified.timestampVersion}`,
    };
  });
  const kept = await tried(checks, 'kept state', async () => {
    const value = await opened.repository.read();
    return { value, message: `the bucket is not behind it, ${value.timestampVersion}` };
  });
  // A newly installed host must refuse an expired tree, but its owner needs to know which role has
  // expired.
  const verified = fresh ?? kept ?? (await readAsNewHost(options, true));
  await tried(checks, 'root chain', async () => {
    const { version } = verified.root.signed;
    await readRoots(options, version);
    return { value: undefined, message: `1.root.json to ${version}.root.json are there` };
  });
  return verified;
}

/** Throws METADATA_MISSING. */
async function readRoots(options: RepositoryOptions, newest: number): Promise<void> {
  for (let version = 1; version <= newest; version += 1) {
    const file = rootFile(version);
    if ((await readFile(options, file)) !== undefined) continue;
    throw new CodedError(`${file} is missing, and hosts walk from their root to the newest one`, {
      code: 'METADATA_MISSING',
      next: RESTORE,
      details: { file },
    });
  }
}

function releaseChecks(verified: VerifiedMetadata): Check[] {
  return unreadableReleases(verified).map((each) => ({
    name: `release ${each.path ?? roleWord(each.role)}`,
    outcome: 'failed',
    message: problemLine(each),
    next: each.next,
  }));
}

/** Anyone who writes to the bucket can delete a tarball that hosts do not have yet. */
async function tarballChecks(
  { bucket, config: { tree } }: OpenTree,
  { environments }: VerifiedMetadata,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [environment, { current, next }] of environments) {
    for (const release of [current, next].filter((each) => each !== undefined)) {
      if (await hasBlob({ bucket, tree }, release)) continue;
      const { version } = release.custom;
      checks.push({
        name: `tarball of ${environment}`,
        outcome: 'failed',
        message: `the tarball of ${printable(version, 64)} is missing in the bucket: hosts that do not have it keep what they have`,
        next: `mm publish ${environment}, which uploads it again or publishes a newer one`,
      });
    }
  }
  return checks;
}

const EXPIRY_OF = 'expiry of ';

/**
 * The name of a check for people; `--json` has TUF's names of roles. Snapshot and timestamp expire
 * at different times, so each has a line.
 */
export function titleOf(name: string): string {
  if (!name.startsWith(EXPIRY_OF)) return name;
  const role = name.slice(EXPIRY_OF.length);
  const word = roleWord(role);
  return `${EXPIRY_OF}${word === 'online' ? `online (${role})` : word}`;
}

function expiryChecks(verified: VerifiedMetadata, { roles }: KeyOverview): Check[] {
  return roles.map(({ role, days, expires, renewBelowDays }) => {
    const name = `${EXPIRY_OF}${role}`;
    if (days === null) return { name, outcome: 'ok', message: 'never signed', next: null };
    const message = `${counted(days, 'day')}, ${printable(expires ?? '', 40)}; renew it below ${renewBelowDays} days`;
    const isSoon = verified.expired.includes(role) || days < renewBelowDays;
    const next = `mm renew ${shellWord(roleWord(role))}`;
    return { name, outcome: isSoon ? 'failed' : 'ok', message, next };
  });
}

function keyChecks({ keys, roles }: KeyOverview): Check[] {
  const checks: Check[] = keys
    .filter(({ kind, roles: words }) => kind === 'file without passphrase' && words.length > 0)
    .map(({ name, file }) => ({
      name: `key ${name}`,
      outcome: 'warning',
      message: `every user or program that can read ${file} can sign: it has no passphrase`,
      next: 'mm key new NAME --passphrase, then mm key revoke OLD --replace-by NAME --keep',
    }));
  const root = roles.find(({ role }) => role === 'root');
  // A single key can be backed up as a copy. When several people must sign, losing one key blocks
  // all of them.
  if (root !== undefined && root.threshold > 1 && root.keyIds.length <= root.threshold) {
    const message = `${root.threshold} of ${root.keyIds.length}: if one key is lost, root can never be signed again`;
    const next = 'mm key rotate --role root --role targets --add FILE';
    checks.push({ name: 'root keys', outcome: 'warning', message, next });
  }
  return checks;
}

/**
 * Trees that share keys verify each other's files: then only the signed tree id keeps them apart.
 */
async function checkSharedKeys(
  context: Context,
  options: SigningOptions,
  own: readonly SigningKeyFile[],
): Promise<Check> {
  const name = 'keys of other trees';
  const { cwd, home } = context;
  const loaded = await loadConfig({ cwd, home, path: options.config });
  const owners = new Map<string, string>();
  const chosen = selectTree(loaded, { home, tree: options.tree }).tree;
  for (const tree of Object.keys(loaded.config.trees)) {
    const config = selectTree(loaded, { home, tree });
    const there = await keyIdsOf(config.rootFile, config.keysDirectory);
    const held = tree === chosen ? own.map(({ document }) => document.keyid) : [];
    for (const keyId of new Set([...there, ...held])) {
      const other = owners.get(keyId);
      if (other === undefined) owners.set(keyId, tree);
      else {
        return {
          name,
          outcome: 'failed',
          message: `key ${keyId.slice(0, 12)} belongs to ${other} and to ${tree}`,
          next: `mm key new NAME --tree ${tree}, then mm key revoke ${keyId.slice(0, 12)} --replace-by NAME --keep --tree ${tree}`,
        };
      }
    }
  }
  return { name, outcome: 'ok', message: 'no key is shared', next: null };
}

async function keyIdsOf(path: string, directory: string): Promise<string[]> {
  const root = orUndefined(() => readNamed(path, MAX_FILE_BYTES.root).toString());
  // Problems of that tree are reported by `mm doctor --tree`.
  const files = await readSigningKeys(directory).catch(() => []);
  return [
    ...(root === undefined ? [] : keyIdsIn(root)),
    ...files.map(({ document }) => document.keyid),
  ];
}
