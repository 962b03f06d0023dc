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
  const type = typeName(schema, inner);
  return [{ key: path.join('.'), type, default: fallback, required, description }];
}

/** The known keys of the map at that path; empty where the schema has no fixed keys. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const found = schemaAt(schema, path);
  const inner = found && unwrap(found).inner;
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The `example` in the metadata of the key at that path, as it would be written in the file. */
export function exampleOf(schema: z.ZodType, path: readonly PropertyKey[]): string | undefined {
  const found = schemaAt(schema, path);
  return found && metadataOf(found, 'example');
}

function schemaAt(
  schema: z.ZodType,
  [step, ...rest]: readonly PropertyKey[],
): z.ZodType | undefined {
  if (step === undefined) return schema;
  const next = below(unwrap(schema).inner, step) as z.ZodType | undefined;
  return next && schemaAt(next, rest);
}

function below(inner: z.ZodType, step: PropertyKey) {
  if (inner instanceof z.ZodObject) return inner.shape[String(step)];
  if (inner instanceof z.ZodArray) return inner.element;
  return inner instanceof z.ZodRecord ? inner.valueType : undefined;
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

function typeName(schema: z.ZodType, inner: z.ZodType): string {
  const named = metadataOf(schema, 'type');
  if (named !== undefined) return named;
  if (inner instanceof z.ZodArray) {
    const element = inner.element as z.ZodType;
    return `list of ${typeName(element, unwrap(element).inner)}`;
  }
  if (inner instanceof z.ZodEnum) return inner.options.map((o) => JSON.stringify(o)).join(' or ');
  if (inner instanceof z.ZodBoolean) return 'true or false';
  if (inner instanceof z.ZodNumber) return inner.isInt ? 'whole number' : 'number';
  return inner instanceof z.ZodRecord ? 'map' : 'text';
}

/** A text in the metadata of a schema, also below its wrappers. */
function metadataOf(schema: z.ZodType, name: 'type' | 'example'): string | undefined {
  for (let at: z.ZodType | undefined = schema; at !== undefined; ) {
    const text = at.meta()?.[name];
    if (typeof text === 'string') return text;
    at = (at.def as { innerType?: z.ZodType }).innerType;
  }
  return undefined;
}
