import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3';
import { binaryPrefix, manifestPrefix, statusPrefix } from '../../../bucket/layout.ts';
import { isRefusal, type Store } from '../../../bucket/s3/rights/store.ts';
import { type Found, ifSet, type Setting } from './setting.ts';

const RIGHTS = { read: 's3:GetLifecycleConfiguration', write: 's3:PutLifecycleConfiguration' };

/** `mm status` no longer shows a host that has not reported for this long. */
const STATUS_DAYS = 90;
/** Hosts overwrite their status at least every hour: each version would be kept. */
const OLD_STATUS_DAYS = 1;
const UPLOAD_DAYS = 7;

/**
 * The rules of one tree. Each is sent separately, so that a store that refuses one still gets the
 * others.
 */
export function lifecycle(tree: string): readonly Setting[] {
  return [
    ruleSetting(`lifecycle of ${statusPrefix(tree)}`, statusRule(tree), {
      wanted: `${STATUS_DAYS} days, old versions ${OLD_STATUS_DAYS} day`,
      without:
        'the status of hosts that are gone stays forever, with all its versions if there are any',
    }),
    ruleSetting(`unfinished uploads to ${tree}/`, uploadRule(tree), {
      wanted: `removed after ${UPLOAD_DAYS} days`,
      without: 'parts of uploads that broke off stay, and cost storage',
    }),
    ...[manifestPrefix(tree), binaryPrefix(tree)].map(objectsKept),
  ];
}

function statusRule(tree: string): LifecycleRule {
  return {
    ID: `miyamoto-${tree}-status`,
    Status: 'Enabled',
    Filter: { Prefix: statusPrefix(tree) },
    Expiration: { Days: STATUS_DAYS },
    NoncurrentVersionExpiration: { NoncurrentDays: OLD_STATUS_DAYS },
  };
}

function uploadRule(tree: string): LifecycleRule {
  return {
    ID: `miyamoto-${tree}-uploads`,
    Status: 'Enabled',
    Filter: { Prefix: `${tree}/` },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: UPLOAD_DAYS },
  };
}

function ruleSetting(
  name: string,
  rule: LifecycleRule,
  { wanted, without }: { readonly wanted: string; readonly without: string },
): Setting {
  return {
    name,
    rights: RIGHTS,
    wanted,
    without,
    inspect: async (store) => {
      const { rules, unknown } = await read(store);
      const own = rules.find(({ ID }) => ID === rule.ID);
      if (own !== undefined && sameRule(own, rule)) return { is: 'ok', found: wanted };
      if (unknown.length > 0) {
        return {
          is: 'lacking',
          found: `not set: other rules have ${unknown.join(', ')}, and mm would lose that`,
          next: `add rule ${rule.ID} with the tool that made those rules: ${wanted}`,
        };
      }
      const others = rules.filter((each) => each !== own).map(idOf);
      const kept = others.length === 0 ? '' : `; rules that stay: ${others.join(', ')}`;
      return {
        is: 'open',
        found: own === undefined ? 'not set' : `rule ${rule.ID} says something else`,
        wanted: `${wanted}${kept}`,
        put: () => putRule(store, rule),
      };
    },
  };
}

interface Lifecycle {
  readonly rules: readonly LifecycleRule[];
  /** Elements that the SDK does not read. They would be missing when the rules are sent back. */
  readonly unknown: readonly string[];
  /** Concerns the transitions of all rules, so it is sent back. */
  readonly minimum: Awaited<ReturnType<typeof get>>['TransitionDefaultMinimumObjectSize'];
}

async function read(store: Store): Promise<Lifecycle> {
  const answer = await ifSet('NoSuchLifecycleConfiguration', get(store));
  return {
    rules: answer?.Rules ?? [],
    unknown: answer?.unknown ?? [],
    minimum: answer?.TransitionDefaultMinimumObjectSize,
  };
}

async function get(store: Store) {
  const command = new GetBucketLifecycleConfigurationCommand({ Bucket: store.bucket });
  const names = watchElements(command);
  const answer = await store.request('read', '?lifecycle', (client, options) =>
    client.send(command, options),
  );
  return { ...answer, unknown: [...names()].filter((name) => !KNOWN.test(name)) };
}

/** What the SDK reads of a rule. MinIO, for example, has more elements. */
const KNOWN =
  /^(LifecycleConfiguration|Rule|ID|Status|Prefix|Filter|And|Tag|Key|Value|ObjectSize(Greater|Less)Than|(NoncurrentVersion)?(Expiration|Transition)|Days|Date|ExpiredObjectDeleteMarker|NoncurrentDays|NewerNoncurrentVersions|StorageClass|AbortIncompleteMultipartUpload|DaysAfterInitiation)$/;

/** The names of the XML elements in the answer to that command. */
function watchElements(command: GetBucketLifecycleConfigurationCommand): () => Set<string> {
  let names = new Set<string>();
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { body: Readable };
      const body = await buffer(response.body);
      names = new Set([...body.toString().matchAll(/<([A-Za-z]+)/g)].map(([, name = '']) => name));
      Object.assign(response, { body });
      return result;
    },
    // Innermost: the SDK has not read the body yet.
    { step: 'deserialize', priority: 'low' },
  );
  return () => names;
}

/** Reads the rules again, because those of the plan may be old: S3 has no condition here. */
async function putRule(store: Store, rule: LifecycleRule): Promise<void> {
  const { rules, minimum } = await read(store);
  const input = {
    Bucket: store.bucket,
    TransitionDefaultMinimumObjectSize: minimum,
    LifecycleConfiguration: { Rules: [...rules.filter(({ ID }) => ID !== rule.ID), rule] },
  };
  await store.request('write', '?lifecycle', (client, options) =>
    client.send(new PutBucketLifecycleConfigurationCommand(input), options),
  );
}

/** Stores send fields in another order, and the older form of a prefix. */
function sameRule(there: LifecycleRule, wanted: LifecycleRule): boolean {
  const form = (rule: LifecycleRule) =>
    JSON.stringify([
      rule.Status,
      prefixOf(rule),
      rule.Expiration?.Days,
      rule.NoncurrentVersionExpiration?.NoncurrentDays,
      rule.NoncurrentVersionExpiration?.NewerNoncurrentVersions,
      rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
      hasTags(rule),
    ]);
  return form(there) === form(wanted);
}

function idOf({ ID = 'without an id' }: LifecycleRule): string {
  return ID;
}

function prefixOf({ Filter, Prefix }: LifecycleRule): string {
  return Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? '';
}

function hasTags({ Filter }: LifecycleRule): boolean {
  return Filter?.Tag !== undefined || (Filter?.And?.Tags ?? []).length > 0;
}

/** Hosts need every root, and a tarball or binary as long as signed metadata names it. */
function objectsKept(prefix: string): Setting {
  return {
    name: `lifecycle of ${prefix}`,
    rights: RIGHTS,
    wanted: 'nothing expires',
    without: 'allow to read the rules: one of them may remove what hosts need',
    inspect: async (store): Promise<Found> => {
      const rules = await read(store).then(({ rules }) => rules, noneIfUnknown);
      const ends = rules.filter((rule) => endsObjects(rule, prefix));
      if (ends.length === 0) return { is: 'ok', found: 'nothing expires' };
      const ids = ends.map(idOf).join(', ');
      return {
        is: 'lacking',
        found: `rule ${ids} expires or archives objects there, which hosts need`,
        next: `limit that rule to other prefixes than ${prefix}`,
      };
    },
  };
}

/** A store without lifecycles removes nothing. */
function noneIfUnknown(error: unknown): readonly LifecycleRule[] {
  if (isRefusal(error) && error.code !== 'S3_ACCESS_DENIED') return [];
  throw error;
}

/** Whether the rule removes or archives current objects below the prefix. They have no tags. */
function endsObjects(rule: LifecycleRule, prefix: string): boolean {
  const own = prefixOf(rule);
  if (rule.Status !== 'Enabled' || hasTags(rule)) return false;
  if (!own.startsWith(prefix) && !prefix.startsWith(own)) return false;
  const archives = (rule.Transitions ?? []).some(({ StorageClass = '' }) =>
    /^(GLACIER|DEEP_ARCHIVE)$/.test(StorageClass),
  );
  return rule.Expiration?.Days !== undefined || rule.Expiration?.Date !== undefined || archives;
}
