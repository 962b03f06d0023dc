import { createHash } from 'node:crypto';
import type { CatalogsAnswer } from '../../diff-answer.ts';

/** As catalog_parameters.rb writes it: resource, parameter, value. */
export type Catalog = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

type Change = CatalogsAnswer['changes'][number];

interface Difference extends Pick<Change, 'change' | 'resource' | 'parameter'> {
  readonly before: unknown;
  readonly after: unknown;
}

/** The differences between two catalogs of one host. */
export function differences(before: Catalog, after: Catalog): Difference[] {
  const resources = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return resources.flatMap((resource): Difference[] => {
    const [was, is] = [own(before, resource), own(after, resource)];
    const whole = { resource, parameter: null, before: was ?? null, after: is ?? null };
    if (was === undefined) return [{ change: 'added', ...whole }];
    if (is === undefined) return [{ change: 'removed', ...whole }];
    const parameters = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    return parameters
      .map((parameter) => ({ parameter, before: own(was, parameter), after: own(is, parameter) }))
      .filter((each) => JSON.stringify(each.before) !== JSON.stringify(each.after))
      .map((each) => ({ change: 'changed', resource, ...each }));
  });
}

/** Reads own properties only, because `toString` may be the name of a parameter. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

interface Group {
  readonly difference: Difference;
  readonly certnames: string[];
  /** The keys are digests of what is shown. */
  readonly values: Map<string, { before: unknown; after: unknown; hosts: number }>;
}

const MAX_VALUES = 5;
/**
 * Limit of the values that are kept, so that a fleet where each host has another value needs little
 * memory.
 */
const MAX_KEPT = 100;

/** Collects the differences of many hosts: one group for each resource and parameter. */
export class ChangeGroups {
  readonly #groups = new Map<string, Group>();

  add(certname: string, found: readonly Difference[]): void {
    for (const difference of found) {
      const { change, resource, parameter } = difference;
      const key = JSON.stringify([change, resource, parameter]);
      const group: Group = this.#groups.get(key) ?? {
        ...{ difference, certnames: [], values: new Map() },
      };
      this.#groups.set(key, group);
      group.certnames.push(certname);
      const [before, after] = shown(difference.before, difference.after);
      const digest = createHash('sha256')
        .update(JSON.stringify([before, after]))
        .digest('base64');
      const value = group.values.get(digest) ?? { before, after, hosts: 0 };
      value.hosts += 1;
      if (group.values.size < MAX_KEPT) group.values.set(digest, value);
    }
  }

  /** Those of most hosts first. */
  answer(): Change[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.certnames.length - a.certnames.length)
      .map(({ difference: { change, resource, parameter }, certnames, values }) => ({
        ...{ change, resource, parameter, certnames: certnames.toSorted() },
        values: [...values.values()].sort((a, b) => b.hosts - a.hosts).slice(0, MAX_VALUES),
      }));
  }
}

const MAX_TEXT = 2000;

/**
 * Keeps only the lines of two texts that differ. Hosts whose files differ elsewhere then have the
 * same change.
 */
function shown(before: unknown, after: unknown): readonly [unknown, unknown] {
  if (typeof before !== 'string' || typeof after !== 'string') return [clip(before), clip(after)];
  if (!before.includes('\n') && !after.includes('\n')) return [clip(before), clip(after)];
  const [old, young] = [before.split('\n'), after.split('\n')];
  const [inOld, inYoung] = [new Set(old), new Set(young)];
  const removed = old.filter((line) => !inYoung.has(line)).join('\n');
  const added = young.filter((line) => !inOld.has(line)).join('\n');
  // The same lines in another order.
  if (removed === '' && added === '') return [clip(before), clip(after)];
  return [clip(removed), clip(added)];
}

/** The digest distinguishes two long values that begin alike. */
function clip(value: unknown): unknown {
  if (value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length <= MAX_TEXT) return value;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `${text.slice(0, MAX_TEXT).toWellFormed()}… (${text.length} characters, sha256 ${digest})`;
}
