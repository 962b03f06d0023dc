import { z } from 'zod';

/** Every key path of a schema: `run.failedResources[].file`. Maps of free keys end where they begin. */
export function schemaPaths(schema: z.ZodType, path = ''): string[] {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) {
    return schemaPaths(schema.unwrap() as z.ZodType, path);
  }
  if (schema instanceof z.ZodArray) return schemaPaths(schema.element as z.ZodType, `${path}[]`);
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`;
    return [here, ...schemaPaths(inner, here)];
  });
}
