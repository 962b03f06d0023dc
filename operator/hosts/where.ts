import { StatusDocument } from '../../bucket/documents/status.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { isJsonObject, type JsonObject, jsonObject } from '../../shared/json.ts';
import { nearest } from '../../shared/suggestion.ts';
import { type Condition, isMet, parseCondition, valuesAt } from './condition.ts';

/** Names that are kept for "did you mean": hosts choose the names of facts. */
const MAX_KNOWN = 2000;
/** Hosts whose facts are looked at for that. */
const MAX_LEARNED = 2000;
const MAX_DEPTH = 6;
/** Most are optional: perhaps no host has one of them at the moment. */
const STATUS_FIELDS: ReadonlySet<string> = new Set(schemaFields(StatusDocument));

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
  return `${hosts} of ${of} hosts have no fact ${field} in the copy, which has only those of facts.promote (agent.yaml): ${OTHER_FACTS}`;
}

/**
 * The conditions of `--where`, all of which a host must meet. A field is one of the status
 * document, a promoted fact, or any other fact: for that the facts document of the host is read.
 */
export class Where {
  readonly #conditions: readonly Condition[];
  /** Names for "did you mean". */
  readonly #known = new Set(STATUS_FIELDS);
  #learned = 0;
  /** Conditions whose field was looked for: how many hosts have it, and how many lack it. */
  readonly #looked = new Map<Condition, { found: number; missing: number }>();
  readonly #isCopy: boolean;

  /** Throws USAGE. */
  constructor(texts: readonly string[] = [], from: HostsFrom = 'bucket') {
    this.#isCopy = from === 'copy';
    this.#conditions = texts.map(parseCondition);
    for (const condition of this.#conditions) requireValue(condition);
  }

  /** The fields at the top of a status that the conditions read; the others may be left out. */
  get fields(): readonly string[] {
    return [...new Set(this.#conditions.map(({ field }) => topOf(field)))];
  }

  /**
   * Whether the host meets all conditions. `unknown`: it meets those that its status can answer,
   * and the others need its facts, which were not given.
   */
  matches(status: JsonObject, facts?: JsonObject): boolean | 'unknown' {
    this.#learn(jsonObject(status['facts']), facts);
    const met = this.#conditions.map((condition) => {
      const values = valuesOf(condition.field, status, facts);
      return values === undefined ? 'unknown' : isMet(condition, this.#note(condition, values));
    });
    if (met.includes(false)) return false;
    return met.includes('unknown') ? 'unknown' : true;
  }

  /** Call after the last host. Throws USAGE when no host has one of the fields. */
  requireKnownFields(): void {
    const field = [...this.#looked]
      .filter(([, { found }]) => found === 0)
      .map(([condition]) => condition.field)
      .find((each) => !STATUS_FIELDS.has(each));
    if (field === undefined) return;
    const isCopiedFact = this.#isCopy && topOf(field) === 'facts';
    const meant = nearest(field, [...this.#known]);
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

  #note(condition: Condition, values: readonly unknown[]): readonly unknown[] {
    const looked = this.#looked.get(condition) ?? { found: 0, missing: 0 };
    this.#looked.set(condition, looked);
    if (values.length > 0) looked.found += 1;
    else looked.missing += 1;
    return values;
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

/**
 * The values of a field. Undefined: it is a fact that is not promoted, and no facts were given.
 * `facts.role` is the fact, also where the status has a field `role`.
 */
function valuesOf(
  field: string,
  status: JsonObject,
  facts: JsonObject | undefined,
): readonly unknown[] | undefined {
  if (topOf(field) !== 'facts') return valuesAt(status, field);
  const fact = field.replace(/^facts\./, '');
  const promoted = valuesAt(status['facts'], fact);
  if (promoted.length > 0) return promoted;
  return facts === undefined ? undefined : valuesAt(facts, fact);
}

/** Throws USAGE for a part of the status that has fields of its own, except about its absence. */
function requireValue({ field, wanted }: Condition): void {
  const below = [...STATUS_FIELDS].filter((each) => each.startsWith(`${field}.`));
  if (below.length === 0 || wanted === 'null') return;
  throw new CodedError(`--where: ${field} has fields of its own, and is no value`, {
    code: 'USAGE',
    next: `name one of them: ${below.join(', ')}`,
  });
}

/** The field at the top of a status to which a field belongs: `facts` when it is a fact. */
function topOf(field: string): string {
  const [first = ''] = field.split('.');
  return Object.hasOwn(StatusDocument.shape, first) ? first : 'facts';
}

/** Every field of a schema: `run.failedResources.file`. Maps of free keys end where they begin. */
function schemaFields(schema: unknown, path = ''): string[] {
  const { type, innerType, element, shape } = (schema as SchemaPart).def;
  if (type === 'nullable' || type === 'optional') return schemaFields(innerType, path);
  if (type === 'array') return schemaFields(element, path);
  if (type !== 'object') return [];
  return Object.entries(shape ?? {}).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`;
    return [here, ...schemaFields(inner, here)];
  });
}

/** What zod says of a schema. */
interface SchemaPart {
  readonly def: {
    readonly type: string;
    readonly innerType?: unknown;
    readonly element?: unknown;
    readonly shape?: Readonly<Record<string, unknown>>;
  };
}
