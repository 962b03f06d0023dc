import type { z } from 'zod';

/**
 * Every key path of a schema: `run.failedResources[].file`. Maps of free keys end where they begin.
 */
export function schemaPaths(schema: z.core.$ZodType, path = ''): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'nullable' || def.type === 'optional') return schemaPaths(def.innerType, path);
  if (def.type === 'array') return schemaPaths(def.element, `${path}[]`);
  if (def.type !== 'object') return [];
  return Object.entries(def.shape).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`;
    return [here, ...schemaPaths(inner, here)];
  });
}
