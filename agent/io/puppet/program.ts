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
export async function programOf(request: ApplyRequest, settings: RubySettings): Promise<Program> {
  const { puppet } = request;
  const facter = await facterOptions(request, settings);
  const options = [...(await cacheOptions(request, settings)), ...facter];
  const asItIs = { path: puppet.path, arguments: [] };
  if (options.length === 0) return asItIs;
  const program = await rubyProgram(puppet.path, options);
  if (program === undefined && facter.length > 0) {
    warn(request, `facts.ttl and facts.block have no effect: ${puppet.path} is no Ruby script`);
  }
  return program ?? asItIs;
}

async function cacheOptions(
  request: ApplyRequest,
  { rubyCache }: RubySettings,
): Promise<readonly string[]> {
  if (rubyCache === undefined) return [];
  const { directory, isWanted } = rubyCache;
  if (!isWanted) {
    await removeRubyCache(directory);
    return [];
  }
  const cache = await prepareRubyCache(directory, request.runDirectory);
  if (cache.kind === 'ready') return ['--disable=gems', `-r${cache.preload}`];
  warn(request, `compiled Ruby is neither used nor kept: ${cache.why}`);
  return [];
}

async function facterOptions(
  { runDirectory }: ApplyRequest,
  { facter }: RubySettings,
): Promise<readonly string[]> {
  const preload = facter && (await prepareFacter(facter, runDirectory));
  return preload === undefined ? [] : [`-r${preload}`];
}

function warn(request: ApplyRequest, text: string): void {
  request.onLine({ level: 'warn', text: `Warning: ${text}` });
}
