import { StatusDocument } from '../../../bucket/documents/status.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { isJsonObject, type JsonObject, jsonObject } from '../../../shared/json.ts';
import { didYouMean, nearest } from '../../../shared/suggestion.ts';
import {
  type Condition,
  isIncomparable,
  isMet,
  parseCondition,
  textOf,
  valuesAt,
} from './condition.ts';
import { fieldsCalled, possibleValues, STATUS_FIELDS } from './status-fields.ts';

/** Names that are kept for "did you mean": hosts choose the names of facts. */
const MAX_KNOWN = 2000;
/** Hosts whose facts are looked at for that. */
const MAX_LEARNED = 2000;
const MAX_DEPTH = 6;
/** Different values of a field that are kept for the same, and of them those that are named. */
const MAX_VALUES = 200;
const MAX_NAMED = 10;

const OTHER_FACTS = 'mm status --where reads the other facts from the bucket';

/** Where hosts are read from. A copy has only the facts that `facts.promote` names. */
export type HostsFrom = 'bucket' | 'copy';

/** A fact that hosts lack, so that a condition on it says nothing about them. */
export interface MissingFact {
  readonly field: string;
  /** Hosts that lack it. */
  readonly hosts: number;
  /** Hosts that were asked for it. */
  readonly of: number;
}

/** The notice for a person. */
export function missingFactText({ field, hosts, of }: MissingFact): string {
  return `the copy has no fact ${field} of ${hosts} of ${counted(of, 'host')}; it has only those of facts.promote (agent.yaml): ${OTHER_FACTS}`;
}

/**
 * The conditions of `--where`, all of which a host must meet. A field is one of the status
 * document, a promoted fact, or any other fact: for that the facts document of the host is read.
 */
export class Where {
  readonly #conditions: readonly PlacedCondition[];
  /** Names for "did you mean". */
  readonly #known = new Set(STATUS_FIELDS);
  #learned = 0;
  #hosts = 0;
  /** Conditions whose field was looked for. */
  readonly #looked = new Map<Condition, Looked>();
  readonly #isCopy: boolean;

  /** Throws USAGE. */
  constructor(texts: readonly string[] = [], from: HostsFrom = 'bucket') {
    this.#isCopy = from === 'copy';
    this.#conditions = texts.map((text) => placed(parseCondition(text)));
    for (const condition of this.#conditions) requireValue(condition);
  }

  /** Where a status has what the conditions read; everything else may be left out of it. */
  get paths(): readonly (readonly string[])[] {
    const paths = this.#conditions.flatMap(pathsOf);
    const tops = new Set(paths.filter(({ length }) => length === 1).map(([top]) => top));
    const needed = paths.filter(({ length, 0: top }) => length === 1 || !tops.has(top));
    return [...new Map(needed.map((path) => [JSON.stringify(path), path])).values()];
  }

  /**
   * Whether the host meets all conditions. `unknown`: it meets those that its status can answer,
   * and the others need its facts, which were not given.
   */
  matches(status: JsonObject, facts?: JsonObject): boolean | 'unknown' {
    this.#hosts += 1;
    this.#learn(jsonObject(status['facts']), facts);
    let met: boolean | 'unknown' = true;
    // Each condition sees each host, also after another one was not met: see `unmet`.
    for (const condition of this.#conditions) {
      const values = valuesOf(condition, status, facts);
      if (values === undefined) met &&= 'unknown';
      else if (!this.#isMet(condition, values)) met = false;
    }
    return met;
  }

  /** Call after the last host. Throws USAGE for a condition that no host could meet. */
  requireAnswerable(): void {
    this.#requireComparable();
    const field = [...this.#looked]
      .filter(([, { found }]) => found === 0)
      .map(([condition]) => condition.field)
      .find((each) => !STATUS_FIELDS.has(each));
    if (field === undefined) return;
    const isCopiedFact = this.#isCopy && topOf(field) === 'facts';
    const meant = fieldsCalled(field) ?? nearest(field, [...this.#known]);
    const asked = meant === undefined ? [] : [`did you mean ${meant}?`];
    const others = isCopiedFact
      ? OTHER_FACTS
      : 'mm status <certname> --json, to see the fields of a host';
    throw new CodedError(
      isCopiedFact
        ? `--where: no host of the copy has the fact ${field}: it has only those that facts.promote of agent.yaml names`
        : `--where: no host has the field ${field}`,
      {
        code: 'USAGE',
        next: (isCopiedFact || meant === undefined ? [...asked, others] : asked).join(' '),
      },
    );
  }

  /** A gate must not pass because of a mistyped number. */
  #requireComparable(): void {
    for (const [{ field, wanted }, { isMet: wasMet, incomparable }] of this.#looked) {
      if (wasMet || incomparable === undefined) continue;
      const found = JSON.stringify(wanted);
      throw new CodedError(`--where: ${field} is a number, found ${found} to compare it with`, {
        code: 'USAGE',
        next: `for example --where '${field}>${incomparable}'`,
      });
    }
  }

  /** Call after the last host: facts that some hosts of a copy do not have. */
  missingFacts(): readonly MissingFact[] {
    if (!this.#isCopy) return [];
    const missing = new Map<string, MissingFact>();
    for (const [{ field }, { found, missing: hosts }] of this.#looked) {
      if (topOf(field) !== 'facts' || hosts === 0) continue;
      missing.set(field, { field, hosts, of: found + hosts });
    }
    return [...missing.values()];
  }

  /** Call after the last host: conditions that no host met, perhaps because of a mistyped value. */
  unmet(): readonly string[] {
    return this.#conditions.flatMap((condition) => {
      const { field, operator, wanted } = condition;
      const looked = this.#looked.get(condition);
      if (looked === undefined) {
        return this.#hosts === 0
          ? []
          : [`--where: no host was asked for ${field}, because none meets the other conditions`];
      }
      const possible = possibleValues(field);
      if (operator !== '=' || looked.isMet || possible.includes(wanted)) return [];
      const all = possible.length > 0 ? possible : [...looked.values];
      const some = all.length > 0 && all.length <= MAX_NAMED ? `; wanted ${all.join(' or ')}` : '';
      return [`--where: no host has ${field}=${wanted}${didYouMean(wanted, all) || some}`];
    });
  }

  #isMet(condition: Condition, values: readonly unknown[]): boolean {
    const looked = this.#looked.get(condition) ?? newLooked();
    this.#looked.set(condition, looked);
    if (values.length > 0) looked.found += 1;
    else looked.missing += 1;
    for (const value of looked.values.size < MAX_VALUES ? values : []) {
      if (value !== looked.last) looked.values.add(printable(textOf(value), 100));
      looked.last = value;
    }
    looked.incomparable ??= values.find((value) => isIncomparable(condition, value));
    const met = isMet(condition, values);
    looked.isMet ||= met;
    return met;
  }

  /** For "did you mean": facts of a host of which `matches` gets only `paths`. */
  learnFacts(facts: JsonObject): void {
    this.#learn(facts);
  }

  #learn(...documents: readonly (JsonObject | undefined)[]): void {
    if (this.#conditions.length === 0 || this.#learned >= MAX_LEARNED) return;
    this.#learned += 1;
    for (const document of documents) this.#learnBelow(document ?? {}, '', MAX_DEPTH);
  }

  #learnBelow(value: JsonObject, path: string, depth: number): void {
    for (const [key, inner] of Object.entries(value)) {
      if (this.#known.size >= MAX_KNOWN) return;
      this.#known.add(`${path}${key}`);
      if (depth > 1 && isJsonObject(inner)) this.#learnBelow(inner, `${path}${key}.`, depth - 1);
    }
  }
}

/** What was seen of a field. */
interface Looked {
  /** Hosts that have it, and those that lack it. */
  found: number;
  missing: number;
  /** Whether a host met the condition. */
  isMet: boolean;
  /** A number that the wanted value cannot be compared with. */
  incomparable: unknown;
  readonly values: Set<string>;
  /** The value that was kept last: most hosts have the same. */
  last: unknown;
}

function newLooked(): Looked {
  return {
    found: 0,
    missing: 0,
    isMet: false,
    incomparable: undefined,
    values: new Set(),
    last: undefined,
  };
}

/**
 * The values of a field. Undefined: it is a fact that is not promoted, and no facts were given.
 * `facts.role` is the fact, also where the status has a field `role`.
 */
function valuesOf(
  { field, fact }: PlacedCondition,
  status: JsonObject,
  facts: JsonObject | undefined,
): readonly unknown[] | undefined {
  if (fact === undefined) return valuesAt(status, field);
  const promoted = valuesAt(status['facts'], fact);
  if (promoted.length > 0) return promoted;
  return facts === undefined ? undefined : valuesAt(facts, fact);
}

interface PlacedCondition extends Condition {
  /** The path of the fact that it is about. Undefined for another field of the status. */
  readonly fact: string | undefined;
}

function placed(condition: Condition): PlacedCondition {
  const { field } = condition;
  return {
    ...condition,
    fact: topOf(field) === 'facts' ? field.replace(/^facts\./, '') : undefined,
  };
}

/** Throws USAGE for a part of the status that has fields of its own, except about its absence. */
function requireValue({ field, wanted }: Condition): void {
  const below = [...STATUS_FIELDS].filter((each) => each.startsWith(`${field}.`));
  if (below.length === 0 || wanted === 'null') return;
  throw new CodedError(`--where: ${field} has fields of its own, and is no value`, {
    code: 'USAGE',
    next: `${meantBelow(below, wanted)}name one of them: ${below.join(', ')}`,
  });
}

/** For `run=failed`, which is a value of `run.status`. */
function meantBelow(below: readonly string[], wanted: string): string {
  for (const field of below) {
    const value = nearest(wanted, possibleValues(field));
    if (value !== undefined) return `did you mean ${field}=${value}? or `;
  }
  return '';
}

/** The field at the top of a status to which a field belongs: `facts` when it is a fact. */
function topOf(field: string): string {
  const [first = ''] = field.split('.');
  return Object.hasOwn(StatusDocument.shape, first) ? first : 'facts';
}

/**
 * What of a status a field needs. A fact may have its whole path as its name, or a beginning of it.
 * Below a part of the status all is read: it may be a list, or a map with free names.
 */
function pathsOf({ field, fact }: PlacedCondition): readonly (readonly string[])[] {
  if (fact === undefined) {
    const [top = '', below = ''] = field.split('.');
    return [STATUS_FIELDS.has(`${top}.${below}`) ? [top, below] : [top]];
  }
  // A quote ends a name in a path of SQLite. `facts` alone is all of them.
  if (field === 'facts' || /["\\]/.test(fact)) return [['facts']];
  const names = fact.split('.');
  return names.map((_, at) => ['facts', names.slice(0, at + 1).join('.')]);
}
