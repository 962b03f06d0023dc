import type { ApplyRequest } from '../../ports.ts';
import { type FacterSettings, prepareFacter } from './facter-config.ts';
import { prepareRubyCache, removeRubyCache } from './ruby/ruby-cache.ts';
import { type Program, rubyProgram } from './ruby/ruby-program.ts';

/** What a run's Ruby is told apart from Puppet's own arguments. */
export interface RubySettings {
  /** `run.ruby_cache`; undefined: as if there were no such thing. */
  readonly rubyCache?: { readonly directory: string; readonly isWanted: boolean } | undefined;
  readonly facter?: FacterSettings | undefined;
}

/**
 * The program that a run starts, and the words before Puppet's own: Ruby with what it is to load first, or Puppet as it
 * is where nothing is to be loaded or nothing can be. Throws only what keeps any run from starting.
 */
export function programOf(request: ApplyRequest, settings: RubySettings): Program {
  const { puppet } = request;
  const facter = facterOptions(request, settings);
  const options = [...cacheOptions(request, settings), ...facter];
  const asItIs = { path: puppet.path, arguments: [] };
  if (options.length === 0) return asItIs;
  const program = rubyProgram(puppet.path, options);
  if (program === undefined && facter.length > 0) {
    warn(request, `facts.ttl and facts.block have no effect: ${puppet.path} is no Ruby script`);
  }
  return program ?? asItIs;
}

function cacheOptions(request: ApplyRequest, { rubyCache }: RubySettings): readonly string[] {
  if (rubyCache === undefined) return [];
  const { directory, isWanted } = rubyCache;
  if (!isWanted) {
    removeRubyCache(directory);
    return [];
  }
  const cache = prepareRubyCache(directory, request.runDirectory);
  if (cache.kind === 'ready') return ['--disable=gems', `-r${cache.preload}`];
  warn(request, `compiled Ruby is neither used nor kept: ${cache.why}`);
  return [];
}

function facterOptions(
  { runDirectory }: ApplyRequest,
  { facter }: RubySettings,
): readonly string[] {
  const preload = facter && prepareFacter(facter, runDirectory);
  return preload === undefined ? [] : [`-r${preload}`];
}

function warn(request: ApplyRequest, text: string): void {
  request.onLine({ level: 'warn', text: `Warning: ${text}` });
}
