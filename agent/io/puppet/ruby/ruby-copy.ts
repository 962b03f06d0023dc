import { writeFileSync } from 'node:fs';
import { type RubySource, rubySource } from './ruby-source.ts';

/** Names of constants and their values. */
export type RubyConstants = Readonly<Record<string, string>>;

/**
 * Writes a copy of a Ruby file to `path`, with constants that the file expects in a module. The
 * constants are on the second line, below the magic comment.
 */
export function writeRubyCopy(
  path: string,
  name: RubySource,
  module?: { readonly name: string; readonly constants: RubyConstants },
): void {
  const [magicComment, ...lines] = rubySource(name).split('\n');
  const constants = Object.entries(module?.constants ?? {})
    .map(([constant, value]) => `${constant} = ${rubyString(value)}`)
    .join('; ');
  const header = module === undefined ? [] : [`module ${module.name}; ${constants}; end`];
  writeFileSync(path, [magicComment, ...header, ...lines].join('\n'));
}

/** A Ruby literal in single quotes: only `\\` and `\'` are escapes in it. */
function rubyString(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
