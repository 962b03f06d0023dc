import { Certname, TreeName } from '../../../bucket/documents/names.ts';
import {
  OTHERS_STATUS,
  type Right,
  type RightsContext,
  type Role,
  tryRights,
} from '../../../bucket/s3/rights/rights.ts';
import { withStore } from '../../../bucket/s3/rights/store.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { PolicyCheckAnswer } from '../../bucket-answers.ts';
import type { Answer, Context } from '../../context.ts';
import { type BucketPlace, bucketPlace, type PlaceOptions } from '../bucket/place.ts';
import type { HostKind } from './documents.ts';
import { type Beside, kindOf, type MachineOptions } from './policy.ts';

export interface CheckOptions extends PlaceOptions, MachineOptions {
  readonly beside?: Beside | undefined;
  readonly certname?: string | undefined;
  readonly otherTree?: string | undefined;
}

type Row = PolicyCheckAnswer['checks'][number];

/** The holder that the credentials should have. */
interface Wanted {
  readonly of: Role;
  readonly credentials: HostKind | null;
  /** Of a cleaner, whose policy only removes: the policy beside it. */
  readonly beside: Beside | null;
}

/**
 * `mm policy check`: tries what the credentials of this process may and may not do in the tree, and
 * compares it with what `mm policy` prints. Changes nothing. Exit code 1 when a row is wrong.
 */
export async function checkPolicy(
  context: Context,
  of: Role,
  options: CheckOptions,
): Promise<Answer> {
  const wanted = wantedOf(of, options);
  const place = await bucketPlace(context, options);
  const around = surroundings(context, place, options);
  return await withStore(place.bucket, place.s3, async (store) => {
    const rights = await tryRights(store, around);
    const checks = rights.map((right) => judged(right, wanted));
    const isWrong = checks.some(({ outcome }) => outcome === 'wrong');
    const document: PolicyCheckAnswer = {
      ...{ schemaVersion: 1, bucket: place.bucket, tree: around.tree },
      ...wanted,
      outcome: isWrong ? 'wrong' : 'ok',
      checks,
    };
    return { document, lines: linesOf(document), exitCode: isWrong ? 1 : undefined };
  });
}

function wantedOf(of: Role, options: CheckOptions): Wanted {
  const kind = kindOf(options);
  const beside = options.beside ?? (of === 'cleaner' ? 'publisher' : null);
  if (beside !== null && of !== 'cleaner')
    throw usage(
      `--beside is for cleaner, and the role is ${of}`,
      'mm policy check cleaner --beside reader',
    );
  if (of === 'machine') return { of, credentials: kind ?? 'shared-user', beside };
  if (kind === undefined) return { of, credentials: null, beside };
  throw usage(`--${kind} is for machine, and the role is ${of}`, 'mm policy check machine');
}

function surroundings(
  { host }: Context,
  { trees, others }: BucketPlace,
  { certname, otherTree }: CheckOptions,
): RightsContext {
  const [tree] = trees;
  if (trees.length > 1) throw usage(`wanted --tree: one of ${trees.join(', ')}`, `--tree ${tree}`);
  if (certname !== undefined && !Certname.safeParse(certname).success)
    throw usage(`--certname ${certname}: expected a certname`, '--certname web1.example.com');
  if (otherTree !== undefined && !TreeName.safeParse(otherTree).success)
    throw usage(`--other-tree ${otherTree}: expected the name of a tree`, '--other-tree osx');
  if (otherTree === tree) throw usage('--other-tree: expected another tree', '--other-tree osx');
  const known = otherTree ?? others[0];
  const { data: here = 'policy-check' } = Certname.safeParse(host.toLowerCase());
  return {
    tree,
    certname: certname ?? here,
    hasStatus: certname !== undefined,
    otherTree: known ?? `${tree}-other`.slice(-63),
    hasOtherTree: known !== undefined,
  };
}

function usage(message: string, next: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next });
}

function judged({ name, action, key, may, tried, proof }: Right, wanted: Wanted): Row {
  const isOwnOnly = wanted.of === 'machine' && wanted.credentials !== 'shared-user';
  const roles = wanted.beside === null ? [wanted.of] : [wanted.of, wanted.beside];
  const isAllowed =
    roles.some((role) => may.includes(role)) && !(name === OTHERS_STATUS && isOwnOnly);
  const row = {
    ...{ name, key, action, found: tried.found, answer: tried.answer, left: tried.left ?? null },
    wanted: isAllowed ? ('allowed' as const) : ('refused' as const),
  };
  if (tried.found === 'unclear') return { ...row, outcome: 'unproven', next: proof ?? null };
  if (tried.found === row.wanted) return { ...row, outcome: 'ok', next: null };
  return { ...row, outcome: 'wrong', next: isAllowed ? lacks(row, wanted) : hasMore(row, wanted) };
}

function lacks({ name, action, key }: Missing, wanted: Wanted): string {
  if (name === OTHERS_STATUS)
    return 'where each host has its own credentials: mm policy check machine --ec2 or --roles-anywhere';
  const allow = `allow ${action} on ${reach(key)}, as ${printed(wanted)} prints it, and look for a Deny`;
  return name === 'read metadata' ? `${allow}; before mm init there is nothing to read` : allow;
}

function hasMore({ action, key }: Missing, wanted: Wanted): string {
  return `these credentials need no ${action} on ${reach(key)}: ${printed(wanted)} prints what they need`;
}

type Missing = Pick<Row, 'name' | 'action' | 'key'>;

/** What a policy would name. */
function reach(key: string): string {
  if (key === '') return 'the bucket';
  return key.replace(/policy-check-[0-9a-f]{16}/, '*');
}

function printed({ of, credentials, beside }: Wanted): string {
  if (beside !== null) return `mm policy ${of} --beside ${beside}`;
  return credentials === null ? `mm policy ${of}` : `mm policy ${of} --${credentials}`;
}

function linesOf({ of, beside, outcome, checks }: PolicyCheckAnswer): string[] {
  const count = (is: Row['outcome']) => checks.filter((row) => row.outcome === is).length;
  const role = beside === null ? of : `${of} who is a ${beside}`;
  const verdict = outcome === 'ok' ? `are those of a ${role}` : `are not those of a ${role}`;
  const counts = `${count('ok')} ok, ${count('wrong')} wrong, ${count('unproven')} unproven`;
  return [...checks.flatMap(rowLines), '', `these credentials ${verdict}: ${counts}`];
}

function rowLines({ name, outcome, wanted, found, answer, next, left }: Row): string[] {
  const line = `${outcome.padEnd(8)} ${name}: wanted ${wanted}, found ${found} (${answer})`;
  return [
    line,
    ...(left === null ? [] : [`         left behind: ${left}`]),
    ...(next === null ? [] : [`         next: ${next}`]),
  ];
}
