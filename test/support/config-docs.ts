import { readFile, writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import { type ConfigKey, configKeys } from '../../shared/config/schema.ts';

/** Every key of a config file's schema as a table in Markdown. */
export function configTable(schema: z.ZodType): string {
  const rows = configKeys(schema).map(
    (key) => `| \`${key.key}\` | ${key.type} | ${defaultOf(key)} | ${cell(key.description)} |`,
  );
  return ['| key | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function defaultOf({ required, default: value }: ConfigKey): string {
  if (required) return '**required**';
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((item) => `\`${item}\``).join(', ') || 'none';
  return `\`${String(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** The committed text of a generated page. With `UPDATE_DOCS=1` the page is written first. */
export async function pageAsCommitted(path: string, generated: string): Promise<string> {
  if (process.env['UPDATE_DOCS'] === '1') await writeFile(path, generated);
  return await readFile(path, 'utf8');
}
