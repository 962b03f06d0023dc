import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rubyString } from './ruby/ruby-string.ts';

/** `facts.ttl` and `facts.block` of `agent.yaml`; names are those of facts, of Facter's groups, and of files in facts.d. */
export interface FacterSettings {
  /** How long a fact's value stands before it is asked for again. */
  readonly ttl: Readonly<Record<string, { readonly seconds: number }>>;
  /** Never asked for. */
  readonly block: readonly string[];
  /** Where Facter keeps what it need not ask for again. */
  readonly cacheDirectory: string;
}

/**
 * Writes Facter's configuration for a run and returns the Ruby file that has Facter read it. Undefined when Facter has
 * nothing to be told. Facter in Puppet reads one file, and the host's own stays it: this is laid over what it says.
 */
export function prepareFacter(
  { ttl, block, cacheDirectory }: FacterSettings,
  runDirectory: string,
): string | undefined {
  const ttls = Object.entries(ttl).map(([name, { seconds }]) => ({ [name]: `${seconds} seconds` }));
  if (ttls.length === 0 && block.length === 0) return undefined;
  const config = join(runDirectory, 'facter.conf');
  const preload = join(runDirectory, 'facter-config.rb');
  mkdirSync(cacheDirectory, { recursive: true, mode: 0o700 });
  // HOCON, which JSON is a part of.
  writeFileSync(config, JSON.stringify({ facts: { blocklist: block, ttls } }));
  writeFileSync(preload, overlay(config, cacheDirectory));
  return preload;
}

/** Facter goes on with these two, which it defines later. */
function overlay(config: string, cacheDirectory: string): string {
  return `# frozen_string_literal: true
module Facter
  class ConfigReader
    singleton_class.prepend(Module.new do
      def refresh_config(path)
        super
        theirs = @conf['facts'] || {}
        ours = Hocon.load(${rubyString(config)})['facts']
        names = ours['ttls'].flat_map(&:keys)
        @conf = @conf.merge('facts' => theirs.merge(
          'blocklist' => Array(theirs['blocklist']) | ours['blocklist'],
          'ttls' => Array(theirs['ttls']).reject { |ttl| (ttl.keys & names).any? } + ours['ttls']
        ))
      end
    end)
  end
end
module LegacyFacter
  module Util
    module Config
      @facts_cache_dir = ${rubyString(cacheDirectory)}
    end
  end
end
`;
}
