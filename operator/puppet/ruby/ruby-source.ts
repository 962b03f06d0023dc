import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns the texts of the Ruby files of this folder by name. The build replaces this module with
 * one that has the texts in it (packaging/bundle-ruby.ts), because Node cannot import a file as
 * text.
 */
export function rubySources(): Readonly<Record<string, string>> {
  const folder = import.meta.dirname;
  const names = readdirSync(folder).filter((name) => name.endsWith('.rb'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
