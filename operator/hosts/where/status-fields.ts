import { StatusDocument } from '../../../bucket/documents/status.ts';

/** Every field of a status. Most are optional: perhaps no host has one of them at the moment. */
export const STATUS_FIELDS: ReadonlySet<string> = new Set(schemaFields(StatusDocument));

/** The fields whose last part is this word: `version` is `release.version` or `offered.version`. */
export function fieldsCalled(word: string): string | undefined {
  const called = [...STATUS_FIELDS].filter((field) => field.endsWith(`.${word}`));
  return called.length === 0 ? undefined : called.join(' or ');
}

/** The values that a field can have, when its schema lists them. */
export function possibleValues(field: string): readonly string[] {
  let schema: unknown = StatusDocument;
  for (const part of field.split('.')) {
    const { shape } = innerOf(schema);
    if (shape === undefined || !Object.hasOwn(shape, part)) return [];
    schema = shape[part];
  }
  return Object.values(innerOf(schema).entries ?? {});
}

/** Every field of a schema: `run.failedResources.file`. Maps of free keys end where they begin. */
function schemaFields(schema: unknown, path = ''): string[] {
  return Object.entries(innerOf(schema).shape ?? {}).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`;
    return [here, ...schemaFields(inner, here)];
  });
}

/** What zod says of a schema, of the items of a list, or of what may be left out. */
interface Definition {
  readonly innerType?: unknown;
  readonly element?: unknown;
  /** Of an object. */
  readonly shape?: Readonly<Record<string, unknown>>;
  /** Of an enum. */
  readonly entries?: Readonly<Record<string, string>>;
}

function innerOf(schema: unknown): Definition {
  const { def } = schema as { readonly def: Definition };
  const inner = def.innerType ?? def.element;
  return inner === undefined ? def : innerOf(inner);
}
