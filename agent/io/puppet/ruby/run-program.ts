import { type Program, rubyScript } from '../../../../shared/program/ruby-script.ts';
import type { ApplyRequest } from '../../../ports.ts';
import { type FacterSettings, writeFacterConfig } from './facter-config.ts';
import { prepareRubyCache, removeRubyCache } from './ruby-cache.ts';

/*
 * Ruby files that are loaded before or into Puppet. The first comment of each file says what it
 * changes. Each run gets copies in its run directory (ruby-copy.ts), and this file starts Puppet
 * with those that must come first.
 */

/** Ruby files to load before Puppet. */
export interface RubySettings {
  /** `run.ruby_cache`. Undefined: neither use nor remove a cache. */
  readonly rubyCache?: { readonly directory: string; readonly isEnabled: boolean } | undefined;
  readonly facter?: FacterSettings | undefined;
}

/**
 * Returns the program to start, and the arguments that come before Puppet's: Ruby with files to
 * load first. Without such files, or when Puppet is not a Ruby script: Puppet itself.
 */
export function runProgram(request: ApplyRequest, settings: RubySettings): Program {
  const { puppet } = request;
  const facter = facterOptions(request, settings);
  const options = [...cacheOptions(request, settings), ...facter];
  const puppetItself = { path: puppet.path, arguments: [] };
  if (options.length === 0) return puppetItself;
  const program = rubyScript(puppet.path, options);
  if (program === undefined && facter.length > 0) {
    const why = `${puppet.path} is not a Ruby script`;
    warn(request, `facts.ttl and facts.block have no effect: ${why}`);
  }
  return program ?? puppetItself;
}

function cacheOptions(request: ApplyRequest, { rubyCache }: RubySettings): readonly string[] {
  if (rubyCache === undefined) return [];
  const { directory, isEnabled } = rubyCache;
  if (!isEnabled) {
    removeRubyCache(directory);
    return [];
  }
  const cache = prepareRubyCache(directory, request.runDirectory);
  if (cache.kind === 'ready') return ['--disable=gems', `-r${cache.preload}`];
  warn(request, `the cache of compiled Ruby is not used: ${cache.why}`);
  return [];
}

function facterOptions(
  { runDirectory }: ApplyRequest,
  { facter }: RubySettings,
): readonly string[] {
  const preload = facter && writeFacterConfig(facter, runDirectory);
  return preload === undefined ? [] : [`-r${preload}`];
}

function warn(request: ApplyRequest, text: string): void {
  request.onLine({ level: 'warn', text: `Warning: ${text}` });
}
