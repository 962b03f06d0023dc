import type { Bucket, ListedObject } from '../../../bucket/bucket.ts';
import { CERTNAME } from '../../../bucket/documents/name-rules.ts';
import { hostFactsPrefix, hostStatusPrefix } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import type { Duration } from '../../../shared/duration.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { inOrder } from '../../hosts/in-order.ts';
import {
  type InstanceOptions,
  type Instances,
  instanceOf,
  readInstances,
} from '../../hosts/instances.ts';
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
import { confirm } from '../confirm.ts';
import { mayNotRemove } from '../forget/forget.ts';
import type { FleetPruneAnswer } from './fleet-answers.ts';

export interface FleetPruneOptions extends CommonOptions, InstanceOptions {
  readonly olderThan: Duration;
  readonly yes?: boolean | undefined;
  readonly noop?: boolean | undefined;
}

type PrunedHost = FleetPruneAnswer['hosts'][number];

const PARALLEL = 16;
const MAX_SHOWN = 50;

/** What a host left in the bucket: its status, its facts, or both. */
interface Left {
  readonly certname: string;
  readonly status: ListedObject | undefined;
  facts: ListedObject | undefined;
}

/** `mm fleet prune`: removes what hosts left that have not reported for a long time. */
export async function fleetPrune(context: Context, options: FleetPruneOptions): Promise<Answer> {
  const instances = readInstances(context, options);
  return await withTree(context, options, async ({ config, bucket }) => {
    const place = { bucket, tree: config.tree };
    const now = context.now();
    const old = await oldHosts(place, now - options.olderThan.seconds * 1000);
    const kept = { reporting: 0, instance: 0 };
    const chosen = new Map<Left, PrunedHost>();
    const judged = inOrder(old, PARALLEL, async (left) => ({
      left,
      ...(await judge(place, left, { now, instances })),
    }));
    for await (const { left, host, why } of judged) {
      if (why === undefined) chosen.set(left, host);
      else kept[why] += 1;
    }
    const isNoop = options.noop === true;
    const lines = linesOf([...chosen.values()]);
    if (!isNoop && chosen.size > 0) {
      await confirm(context, {
        lines,
        doubts: [],
        yes: options.yes === true,
        what: `remove what ${counted(chosen.size, 'host')} left`,
      });
      using progress = context.showProgress?.({ what: 'removing', unit: 'host' });
      const total = chosen.size;
      let done = 0;
      const removed = inOrder([...chosen.keys()], PARALLEL, async (left) => ({
        left,
        isGone: await remove(place, left),
      }));
      for await (const { left, isGone } of removed) {
        done += 1;
        progress?.at(done, total);
        if (isGone) continue;
        chosen.delete(left);
        kept.reporting += 1;
      }
    }
    const hosts = [...chosen.values()];
    const document: FleetPruneAnswer = {
      ...{ schemaVersion: 1, bucket: bucket.name, tree: config.tree },
      outcome: isNoop ? 'noop' : hosts.length === 0 ? 'unchanged' : 'pruned',
      hosts,
      kept,
    };
    const verb = isNoop ? 'would remove' : 'removed';
    return {
      document,
      lines: [...linesOf(hosts).map((line) => `${verb} ${line}`), ...keptLines(document)],
    };
  });
}

/** Hosts of which everything is older than `before`, in ms since 1970. */
async function oldHosts({ bucket, tree }: TreePlace, before: number): Promise<Left[]> {
  const [statuses, facts] = [hostStatusPrefix(tree), hostFactsPrefix(tree)];
  const old = new Map<string, Left>();
  const reporting = new Set<string>();
  for await (const { certname, object } of objectsOf(bucket, statuses)) {
    if (object.lastModified >= before) reporting.add(certname);
    else old.set(certname, { certname, status: object, facts: undefined });
  }
  for await (const { certname, object } of objectsOf(bucket, facts)) {
    if (reporting.has(certname)) continue;
    const left = old.get(certname) ?? { certname, status: undefined, facts: undefined };
    left.facts = object;
    if (object.lastModified >= before) old.delete(certname);
    else old.set(certname, left);
  }
  return [...old.values()].sort((a, b) => (a.certname < b.certname ? -1 : 1));
}

/** Objects whose key is that of a host. No agent wrote the others: they stay. */
async function* objectsOf(
  bucket: Pick<Bucket, 'list'>,
  prefix: string,
): AsyncGenerator<{ readonly certname: string; readonly object: ListedObject }> {
  for await (const object of bucket.list(prefix)) {
    const certname = object.key.slice(prefix.length).replace(/\.json$/, '');
    if (object.key.endsWith('.json') && CERTNAME.test(certname)) yield { certname, object };
  }
}

async function judge(
  place: TreePlace,
  { certname, status, facts }: Left,
  { now, instances }: { readonly now: number; readonly instances: Instances | undefined },
): Promise<{ readonly host: PrunedHost; readonly why?: 'reporting' | 'instance' }> {
  const read = status && (await readStatus(place, status))?.status;
  const last = Math.max(status?.lastModified ?? 0, facts?.lastModified ?? 0);
  const age = ageSeconds(last, now);
  const name = instanceOf({ certname, facts: read?.facts ?? {} });
  const state = name === null ? undefined : instances?.stateOf(name);
  const host = {
    certname,
    reportedAt: new Date(last).toISOString(),
    ageSeconds: age,
    environment: read?.environment ?? null,
    instance: state === undefined ? null : state.text,
    objects: [status, facts].flatMap((object) => (object === undefined ? [] : [object.key])),
  };
  // A heartbeat may be longer than --older-than.
  const limit = read === undefined ? DEFAULT_LIMIT_SECONDS : reportLimit(read);
  if (age <= limit) return { host, why: 'reporting' };
  if (instances !== undefined && state?.isGone !== true) return { host, why: 'instance' };
  return { host };
}

/**
 * Removes only the listed objects, not newer ones. The status goes first: when it has changed, the
 * host reports again and keeps its facts. The next call finds what a killed one left.
 */
async function remove(place: TreePlace, { status, facts }: Left): Promise<boolean> {
  for (const listed of [status, facts]) {
    if (listed !== undefined && !(await removeUnchanged(place, listed))) return false;
  }
  return true;
}

async function removeUnchanged(place: TreePlace, listed: ListedObject): Promise<boolean> {
  const { bucket } = place;
  const { key, etag, lastModified } = listed;
  // For stores that ignore the condition of a removal.
  const now = await listedObject(bucket, key);
  if (now === undefined) return true;
  if (now.etag !== etag || now.lastModified !== lastModified) return false;
  try {
    await bucket.remove(key, { ifMatch: etag });
    return true;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === 'S3_NOT_FOUND') return true;
    if (error.code === 'S3_PRECONDITION_FAILED') return false;
    throw error.code === 'S3_ACCESS_DENIED' ? mayNotRemove(place, key, error) : error;
  }
}

function linesOf(hosts: readonly PrunedHost[]): string[] {
  const lines = hosts
    .slice(0, MAX_SHOWN)
    .map(({ certname, ageSeconds: age, environment, instance }) => {
      const where = environment === null ? 'no status that can be read' : environment;
      const machine = instance === null ? '' : `, instance ${instance}`;
      return `${certname}: last reported ${shortAge(age)} ago, ${where}${machine}`;
    });
  const more = hosts.length - MAX_SHOWN;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

function keptLines({ hosts, kept }: FleetPruneAnswer): string[] {
  const { reporting, instance } = kept;
  return [
    ...(hosts.length === 0 ? ['nothing to remove'] : []),
    ...(reporting > 0 ? [`kept, because they report: ${counted(reporting, 'host')}`] : []),
    ...(instance > 0
      ? [`kept, because no terminated instance is known: ${counted(instance, 'host')}`]
      : []),
  ];
}
