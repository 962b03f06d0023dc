import {
  hostFactsKey,
  hostFactsPrefix,
  hostStatusKey,
  hostStatusPrefix,
} from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { neverReported, requireCertname } from '../../hosts/certnames.ts';
import { inOrder } from '../../hosts/in-order.ts';
import {
  ageSeconds,
  DEFAULT_LIMIT_SECONDS,
  reportLimit,
  shortAge,
} from '../../hosts/last-report.ts';
import { readStatus } from '../../hosts/read-statuses.ts';
import { withTree } from '../../open-tree.ts';
import { listedObject } from '../../repository/get-object.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import type { ForgetAnswer } from '../../status-answer.ts';
import { confirm } from '../confirm.ts';

export interface ForgetOptions extends CommonOptions {
  readonly yes?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly noop?: boolean | undefined;
}

type ForgottenHost = ForgetAnswer['hosts'][number];

interface FoundHost extends ForgottenHost {
  /** It reported within the time that it announced. */
  readonly isRecent: boolean;
}

const PARALLEL = 16;
const MAX_SHOWN = 50;

/** `mm forget`: removes status and facts of hosts that are gone. */
export async function forget(
  context: Context,
  certnames: readonly string[],
  options: ForgetOptions,
): Promise<Answer> {
  for (const certname of certnames) requireCertname(certname);
  return await withTree(context, options, async ({ config, bucket }) => {
    const place = { bucket, tree: config.tree };
    const found = await findHosts(place, [...new Set(certnames)], context.now());
    const present = found.filter(({ objects }) => objects.length > 0);
    const [absent] = found;
    if (present.length === 0 && absent !== undefined) {
      const why = 'there is nothing to remove';
      throw await neverReported(place, absent.certname, { found: why });
    }
    if (options.force !== true) requireGone(present);
    for (const { certname, objects } of found) {
      if (objects.length === 0) context.notice(`${certname} has no status and no facts`);
    }
    const isNoop = options.noop === true;
    if (!isNoop) {
      await confirm(context, {
        lines: hostLines(present),
        doubts: [],
        yes: options.yes === true,
        what: `forget ${counted(present.length, 'host')}`,
      });
      await remove(place, present);
    }
    const document: ForgetAnswer = {
      ...{ schemaVersion: 1, bucket: bucket.name, tree: config.tree },
      outcome: isNoop ? 'noop' : 'forgotten',
      hosts: found.map(({ isRecent: _, ...host }) => host),
    };
    const verb = isNoop ? 'would forget' : 'forgot';
    return { document, lines: hostLines(present).map((line) => `${verb} ${line}`) };
  });
}

async function findHosts(
  place: TreePlace,
  certnames: readonly string[],
  now: number,
): Promise<FoundHost[]> {
  const found: FoundHost[] = [];
  for await (const host of inOrder(certnames, PARALLEL, (name) => findHost(place, name, now))) {
    found.push(host);
  }
  return found;
}

async function findHost(place: TreePlace, certname: string, now: number): Promise<FoundHost> {
  const { bucket, tree } = place;
  const status = await listedObject(bucket, hostStatusKey(tree, certname));
  const facts = await listedObject(bucket, hostFactsKey(tree, certname));
  const read = status && (await readStatus(place, status));
  const last = status ?? facts;
  const age = last === undefined ? 0 : ageSeconds(last.lastModified, now);
  const limit = read?.status === undefined ? DEFAULT_LIMIT_SECONDS : reportLimit(read.status);
  return {
    certname,
    reportedAt: last === undefined ? null : new Date(last.lastModified).toISOString(),
    ageSeconds: last === undefined ? null : age,
    environment: read?.status?.environment ?? null,
    run: read?.status?.run?.status ?? null,
    // The status goes last: a host of which something is left stays in the list of `mm status`.
    objects: [facts, status].flatMap((object) => (object === undefined ? [] : [object.key])),
    isRecent: status !== undefined && age <= limit,
  };
}

function requireGone(hosts: readonly FoundHost[]): void {
  const recent = hosts.filter(({ isRecent }) => isRecent);
  if (recent.length === 0) return;
  throw new CodedError(
    ['these hosts are not gone, because they reported on time:', ...hostLines(recent)],
    {
      code: 'NOT_CONFIRMED',
      next: 'remove the agent from them first, or use --force: a host that still runs reports again',
    },
  );
}

async function remove(place: TreePlace, hosts: readonly FoundHost[]): Promise<void> {
  for (const { objects } of hosts) {
    for (const key of objects) {
      await place.bucket.remove(key).catch((cause: unknown) => {
        if (!(cause instanceof CodedError && cause.code === 'S3_ACCESS_DENIED')) throw cause;
        throw mayNotRemove(place, key, cause);
      });
    }
  }
}

/** Names the rights that are missing. */
export function mayNotRemove(
  { bucket, tree }: TreePlace,
  key: string,
  cause: CodedError,
): CodedError {
  const prefixes = [hostStatusPrefix(tree), hostFactsPrefix(tree)].map((prefix) => `${prefix}*`);
  return new CodedError(
    `these credentials may not remove s3://${bucket.name}/${key}: they need s3:DeleteObject on ${prefixes.join(' and ')}`,
    {
      code: 'S3_ACCESS_DENIED',
      cause,
      next: 'mm policy cleaner prints the policy that allows it; attach it beside that of a reader',
      details: { key },
    },
  );
}

function hostLines(hosts: readonly FoundHost[]): string[] {
  const lines = hosts.slice(0, MAX_SHOWN).map(({ certname, ageSeconds: age, environment, run }) => {
    const state = environment === null ? 'no status that can be read' : (run ?? 'no run');
    const where = environment === null ? '' : `, environment ${environment}`;
    return `${certname}: last reported ${shortAge(age ?? 0)} ago, ${state}${where}`;
  });
  const more = hosts.length - MAX_SHOWN;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}
