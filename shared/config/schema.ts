import * as z from 'zod';

/** What the schema of a config file says about a key: for error messages and for the docs. */
export interface ConfigKey {
  /** Dotted path, for example `schedule.poll`. */
  readonly key: string;
  /** For people: `text`, `duration`, `list of text`, `"apply" or "stop"`. */
  readonly type: string;
  /** As it would be written in the file; undefined when there is no default. */
  readonly default: unknown;
  readonly required: boolean;
  readonly description: string;
}

/** Every key that takes a value, in the schema's order. Maps with known keys are entered. */
export function configKeys(schema: z.ZodType, path: readonly string[] = []): readonly ConfigKey[] {
  const { inner, fallback, required, description } = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([key, value]) =>
      configKeys(value as z.ZodType, [...path, key]),
    );
  }
  const type = typeInWords(schema, inner);
  return [{ key: path.join('.'), type, default: fallback, required, description }];
}

/** The known keys of the map at that path; empty where the schema has no fixed keys. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const { inner } = unwrap(schema);
  const [step, ...rest] = path;
  if (inner instanceof z.ZodObject) {
    if (step === undefined) return Object.keys(inner.shape);
    const next = inner.shape[String(step)] as z.ZodType | undefined;
    return next === undefined ? [] : knownKeys(next, rest);
  }
  if (step === undefined) return [];
  if (inner instanceof z.ZodArray) return knownKeys(inner.element as z.ZodType, rest);
  if (inner instanceof z.ZodRecord) return knownKeys(inner.valueType as z.ZodType, rest);
  return [];
}

interface Unwrapped {
  readonly inner: z.ZodType;
  readonly fallback: unknown;
  readonly required: boolean;
  readonly description: string;
}

/**
 * Removes the wrappers that say "may be missing" or "is converted". The outermost description
 * counts.
 */
function unwrap(schema: z.ZodType): Unwrapped {
  let inner = schema;
  let fallback: unknown;
  let required = true;
  let description = '';
  for (;;) {
    description ||= inner.description ?? '';
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      fallback ??= inner.def.defaultValue;
      required = false;
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodOptional) {
      required = false;
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodNullable || inner instanceof z.ZodReadonly) {
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.def.in as z.ZodType;
    } else {
      return { inner, fallback, required, description };
    }
  }
}

function typeInWords(schema: z.ZodType, inner: z.ZodType): string {
  const named = namedType(schema);
  if (named !== undefined) return named;
  if (inner instanceof z.ZodArray) {
    const element = inner.element as z.ZodType;
    return `list of ${typeInWords(element, unwrap(element).inner)}`;
  }
  if (inner instanceof z.ZodEnum) return inner.options.map((o) => JSON.stringify(o)).join(' or ');
  if (inner instanceof z.ZodBoolean) return 'true or false';
  if (inner instanceof z.ZodNumber) return inner.isInt ? 'whole number' : 'number';
  return inner instanceof z.ZodRecord ? 'map' : 'text';
}

/** The `type` in the metadata of a schema, also below its wrappers. */
function namedType(schema: z.ZodType): string | undefined {
  for (let at: z.ZodType | undefined = schema; at !== undefined; ) {
    const type = at.meta()?.['type'];
    if (typeof type === 'string') return type;
    at = (at.def as { innerType?: z.ZodType }).innerType;
  }
  return undefined;
}
