import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeRubyCopy } from './ruby-copy.ts';

/** Names of facts, of groups of facts, or of files in facts.d. */
export interface FacterSettings {
  /** `facts.ttl`: how long Facter keeps the value of a fact before it resolves the fact again. */
  readonly ttl: Readonly<Record<string, { readonly seconds: number }>>;
  /** `facts.block`: facts that Facter never resolves. */
  readonly block: readonly string[];
  /** Where Facter keeps values. */
  readonly cacheDirectory: string;
}

/**
 * Writes the settings to the run directory. Returns the Ruby file to load before Facter, or
 * undefined when there are no settings. The host's own facter.conf stays in force below them.
 */
export function writeFacterConfig(
  { ttl, block, cacheDirectory }: FacterSettings,
  runDirectory: string,
): string | undefined {
  const ttls = Object.entries(ttl).map(([name, { seconds }]) => ({ [name]: `${seconds} seconds` }));
  if (ttls.length === 0 && block.length === 0) return undefined;
  const config = join(runDirectory, 'facter.conf');
  const preload = join(runDirectory, 'facter-config.rb');
  mkdirSync(cacheDirectory, { recursive: true, mode: 0o700 });
  // facter.conf is HOCON, and JSON is valid HOCON.
  writeFileSync(config, JSON.stringify({ facts: { blocklist: block, ttls } }));
  writeRubyCopy(preload, 'facter_config.rb', {
    name: 'MiyamotoFacterConfig',
    constants: { CONFIG: config, CACHE_DIRECTORY: cacheDirectory },
  });
  return preload;
}
