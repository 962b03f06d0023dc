import type { ZodError } from 'zod';

/** A JSON object whose fields have not been checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses JSON. Returns undefined for what is not JSON, and for undefined itself. */
export function parseJson(text: string | Buffer | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}

/** True for `{...}`: not for null, not for an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the value when it is an object, else an empty object, whose fields are all undefined. */
export function jsonObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The first problem that a schema found: `run.status: expected string, received number`. */
export function firstProblem({ issues }: Pick<ZodError, 'issues'>): string {
  const [issue] = issues;
  const where = issue?.path.join('.') || 'the document';
  return `${where}: ${issue?.message.replace('Invalid input: ', '')}`;
}
