import { answerText, isRefusal, type Store } from '../../../bucket/s3/rights/store.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { BucketAnswer } from '../../bucket-answers.ts';

/** Something that a bucket should have. */
export interface Setting {
  /** `versioning`. */
  readonly name: string;
  /** The permissions to read and to change it. */
  readonly rights: { readonly read: string; readonly write: string };
  /** What it should be: a few words. */
  readonly wanted: string;
  /** The consequence when a store does not have it, and what to do. */
  readonly without: string;
  inspect(store: Store): Promise<Found>;
}

/** What a setting is now. */
export type Found =
  | { readonly is: 'ok'; readonly found: string }
  /** Can be changed to what is wanted. */
  | {
      readonly is: 'open';
      readonly found: string;
      readonly wanted: string;
      put(): Promise<void>;
    }
  /** Not as wanted, and `mm bucket init` does not change it. */
  | { readonly is: 'lacking'; readonly found: string; readonly next: string };

export type Row = BucketAnswer['settings'][number];

export interface Inspected {
  readonly setting: Setting;
  readonly row: Row;
  /** Undefined when nothing would be changed. */
  readonly put: (() => Promise<void>) | undefined;
}

/** A refusal of the store becomes a row. Throws what concerns every request, S3_UNREACHABLE too. */
export async function inspect(store: Store, setting: Setting): Promise<Inspected> {
  const { name } = setting;
  try {
    const found = await setting.inspect(store);
    const wanted = found.is === 'open' ? found.wanted : null;
    const next = found.is === 'lacking' ? found.next : null;
    return {
      setting,
      row: { name, outcome: found.is, found: found.found, wanted, next },
      put: found.is === 'open' ? found.put : undefined,
    };
  } catch (error) {
    return { setting, row: refused(setting, 'read', error), put: undefined };
  }
}

/** Changes the setting, and reads it again: some stores accept what they do not keep. */
export async function change(store: Store, { setting, row, put }: Inspected): Promise<Row> {
  if (put === undefined) return row;
  try {
    await put();
  } catch (error) {
    return refused(setting, 'write', error);
  }
  const after = await inspect(store, setting);
  const { found, wanted } = row;
  if (after.row.outcome === 'ok') return { ...after.row, outcome: 'set', found, wanted };
  if (after.put === undefined) return after.row;
  return lacking(setting, 'the store accepted it, and did not keep it');
}

/** The store does not keep the setting, and nothing of it is left in the bucket. */
export class NotKept extends Error {}

function refused(setting: Setting, verb: 'read' | 'write', error: unknown): Row {
  if (error instanceof NotKept) return lacking(setting, error.message);
  if (!isRefusal(error)) throw error;
  const { name, rights } = setting;
  if (error.code === 'S3_PRECONDITION_FAILED') {
    const found = `somebody else changed the bucket at the same time (${answerText(error)})`;
    return { name, outcome: 'lacking', found, wanted: null, next: 'mm bucket init, once more' };
  }
  if (error.code !== 'S3_ACCESS_DENIED') return lacking(setting, answerText(error));
  // A test object is refused for another right than the setting.
  const isSetting = String(error.details['key']).startsWith('?');
  return {
    name,
    outcome: 'denied',
    found: isSetting
      ? `these credentials may not ${verb} it (${answerText(error)})`
      : error.message,
    wanted: null,
    next: isSetting
      ? `allow ${rights[verb]}, or ask the administrator of the bucket`
      : (error.next ?? null),
  };
}

function lacking({ name, without }: Setting, found: string): Row {
  return {
    name,
    outcome: 'lacking',
    found: `the store lacks it: ${found}`,
    wanted: null,
    next: without,
  };
}

/** The answer of the request; undefined when the store says with this code that nothing is set. */
export async function ifSet<T>(absent: string, request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof CodedError && error.details['s3'] === absent) return undefined;
    throw error;
  }
}
