import assert from 'node:assert/strict';
import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { type HostPuppetOptions, hostPuppet } from '../../../../../agent/io/puppet/puppet.ts';
import type { ApplyRequest } from '../../../../../agent/ports.ts';
import { CERTNAME, type PuppetPlace, puppetPlace } from '../../../../support/puppet-run.ts';
import { runTrace } from '../../../../support/run-trace.ts';
import { names } from '../../../../support/temporary-directory.ts';

const CONTROL_REPO = join(import.meta.dirname, '../../../../fixtures/control-repo');

/** The number of facts depends on the machine and on Facter; every machine has these. */
const EVERYWHERE = [
  ...['facterversion', 'fips_enabled', 'identity', 'kernel', 'kernelmajversion', 'kernelrelease'],
  ...['kernelversion', 'os', 'path', 'processors', 'ruby', 'timezone'],
];

/** What a run applied, resource by resource, which facts it reported, and its output. */
async function traceOf(
  place: PuppetPlace,
  options: Partial<HostPuppetOptions>,
  overrides: Partial<ApplyRequest>,
) {
  const puppet = hostPuppet({ launcher: 'group', ...options });
  place.lines.length = 0;
  const { status, exitCode, error } = await place.run(puppet, {
    extraArguments: ['--no-exclude_unchanged_resources'],
    ...overrides,
  });
  const { runDirectory } = place.request(overrides);
  const results = await puppet.read(runDirectory, CERTNAME);
  return {
    end: { status, exitCode, error },
    ...runTrace(results.report, results.facts),
    lines: place.lines.map(({ text }) => text.replace(/ in [\d.]+ seconds/, '')),
  };
}

const OFF = 'the cache switched off';

/** The switches of a run, one by one and together. */
function switches(place: PuppetPlace) {
  const directory = join(place.directory, 'state/ruby-cache');
  return {
    [OFF]: { rubyCache: { directory, isEnabled: false } },
    'the cache, as it is built': { rubyCache: { directory, isEnabled: true } },
    'the cache, warm': { rubyCache: { directory, isEnabled: true } },
  } satisfies Record<string, Partial<HostPuppetOptions>>;
}

suite('ruby cache: with the real puppet', () => {
  // One environment for all of this: a run of the real Puppet takes seconds.
  test('the same catalog, the same facts and gems of the host, with each switch on and off; no child inherits the options of our Ruby', async (t) => {
    const place = await puppetPlace(t);
    const gems = join(place.directory, 'gems');
    await writeGem(gems);
    const { environmentPath } = place.request();
    await cp(CONTROL_REPO, join(environmentPath, 'stable'), { recursive: true });
    await place.write({
      'manifests/probe.pp':
        'notice(probe::gem())\n notice(generate("/usr/bin/ruby", "-e", "print [ENV[%q(RUBYOPT)], defined?(MiyamotoRubyCache), defined?(DidYouMean)].inspect"))',
      'modules/probe/lib/puppet/functions/probe/gem.rb':
        "require 'miyamoto_probe'\nPuppet::Functions.create_function(:'probe::gem') do\n  def gem\n    [MiyamotoProbe, Gem.loaded_specs['miyamoto_probe'].version.to_s].join(' ')\n  end\nend\n",
    });
    const environment = { MANAGED_ROOT: join(place.directory, 'managed'), GEM_HOME: gems };
    const overrides = { runId: 'run-1' };
    await traceOf(place, { environment }, overrides);
    const { [OFF]: off, ...others } = switches(place);
    const bare = await traceOf(place, { environment, ...off }, overrides);
    assert.deepEqual(await names(join(place.directory, 'state/ruby-cache')), []);
    assert.deepEqual(bare.end, { status: 'unchanged', exitCode: 0, error: null });
    assert.equal(Object.keys(bare.resources).length, 107);
    assert.equal(bare.facts['lab_role'], 'web');
    for (const name of EVERYWHERE) assert.ok(bare.facts[name] !== undefined, name);
    assert.ok(
      bare.lines.some((line) => line.endsWith(': out of a gem 1.2.3')),
      bare.lines.join('\n'),
    );
    assert.ok(bare.lines.some((line) => line.endsWith(': [nil, nil, "constant"]')));
    for (const [name, options] of Object.entries(others)) {
      assert.deepEqual(await traceOf(place, { environment, ...options }, overrides), bare, name);
      assert.deepEqual(await names(join(place.directory, 'state/ruby-cache')), ['pack'], name);
    }
  });

  test('a manifest that fails in Ruby: the same file and line', async (t) => {
    const place = await puppetPlace(t);
    await place.write({
      'manifests/site.pp': 'notice(probe::fails())',
      'modules/probe/lib/puppet/functions/probe/fails.rb':
        "Puppet::Functions.create_function(:'probe::fails') do\n  def fails\n    nil.no_such_method\n  end\nend\n",
    });
    for (const [name, options] of Object.entries(switches(place))) {
      place.lines.length = 0;
      const puppet = hostPuppet({ launcher: 'group', ...options });
      const { status, error } = await place.run(puppet, { extraArguments: ['--trace'] });
      assert.equal(status, 'not-compiled', name);
      assert.match(error ?? '', /undefined method .no_such_method. for nil/, name);
      const places = place.lines.flatMap(({ text }) => /fails\.rb:\d+/.exec(text) ?? []);
      assert.deepEqual([...new Set(places)], ['fails.rb:3'], name);
    }
  });

  test('a cache that cannot be used causes a warning, and the run continues', async (t) => {
    const place = await puppetPlace(t);
    await place.write({ 'manifests/site.pp': "notice('ran')" });
    const directory = join(place.directory, 'open/ruby-cache');
    await mkdir(directory, { recursive: true });
    await chmod(directory, 0o777);
    const trace = await traceOf(place, { rubyCache: { directory, isEnabled: true } }, {});
    assert.equal(trace.end.status, 'unchanged');
    assert.match(
      trace.lines[0] ?? '',
      /^Warning: the cache of compiled Ruby is not used: .*ruby-cache is of uid/,
    );
    assert.deepEqual(await names(directory), []);
  });
});

async function writeGem(gems: string): Promise<void> {
  const files = {
    'specifications/miyamoto_probe-1.2.3.gemspec':
      "# -*- encoding: utf-8 -*-\n# stub: miyamoto_probe 1.2.3 ruby lib\nGem::Specification.new do |s|\n  s.name = 'miyamoto_probe'\n  s.version = '1.2.3'\n  s.require_paths = ['lib']\n  s.summary = s.author = 'probe'\nend\n",
    'gems/miyamoto_probe-1.2.3/lib/miyamoto_probe.rb': "MiyamotoProbe = 'out of a gem'\n",
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(gems, name)), { recursive: true });
    await writeFile(join(gems, name), text);
  }
}
