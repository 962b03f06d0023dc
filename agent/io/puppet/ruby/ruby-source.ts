import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type RubySource =
  | 'augeas_version.rb'
  | 'fact_times.rb'
  | 'facter_config.rb'
  | 'ruby_cache.rb'
  | 'facts_json.rb'
  | 'host_facts.rb'
  | 'host_templates.rb'
  | 'trusted_external.rb';

/**
 * Returns the text of a Ruby file of this folder. The build replaces this module with one that has
 * the texts in it (packaging/bundle-ruby.ts), because Node cannot import a file as text.
 */
export function rubySource(name: RubySource): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8');
}
