import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { factAt } from '../../../../../agent/core/facts/facts.ts';
import {
  type FacterSettings,
  writeFacterConfig,
} from '../../../../../agent/io/puppet/ruby/facter-config.ts';
import { CERTNAME, puppetPlace, realPuppet } from '../../../../support/puppet-run.ts';
import { names, temporaryDirectory } from '../../../../support/temporary-directory.ts';

/** What Facter's own reader returns for a host's facter.conf with our settings over it. */
async function laidOver(directory: string, theirs: string, settings: FacterSettings) {
  const run = join(directory, 'run');
  await mkdir(run, { recursive: true });
  await writeFile(join(directory, 'facter.conf'), theirs);
  const preload = writeFacterConfig(settings, run);
  assert.ok(preload !== undefined);
  const script = `require 'json'; require 'facter'
    conf = Facter::ConfigReader.init(ARGV[0]).conf
    puts JSON.generate([conf, LegacyFacter::Util::Config.facts_cache_dir])`;
  const { stdout } = await promisify(execFile)(
    '/usr/bin/ruby',
    [`-r${preload}`, '-e', script, join(directory, 'facter.conf')],
    { env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' } },
  );
  const [conf, cache] = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as [unknown, string];
  return { conf, cache };
}

suite('facter.conf: the settings in agent.yaml override those of the host', () => {
  const ours = { ttl: { dmi: { seconds: 3600 } }, block: ['EC2'] };
  const cases: Record<string, { readonly theirs: string; readonly want: unknown }> = {
    nothing: {
      theirs: '',
      want: { facts: { blocklist: ['EC2'], ttls: [{ dmi: '3600 seconds' }] } },
    },
    'other facts, and more': {
      theirs:
        'global : { external-dir : "/etc/more" }\nfacts : { blocklist : ["file system", "EC2"], ttls : [ { "timezone" : 30 days } ] }\n',
      want: {
        global: { 'external-dir': '/etc/more' },
        facts: {
          blocklist: ['file system', 'EC2'],
          ttls: [{ timezone: '30 days' }, { dmi: '3600 seconds' }],
        },
      },
    },
    'the same fact': {
      theirs: 'facts : { ttls : [ { "dmi" : 30 days } ] }\n',
      want: { facts: { blocklist: ['EC2'], ttls: [{ dmi: '3600 seconds' }] } },
    },
    'what is no HOCON': {
      theirs: 'facts : { ttls : [',
      want: { facts: { blocklist: ['EC2'], ttls: [{ dmi: '3600 seconds' }] } },
    },
  };
  for (const [name, { theirs, want }] of Object.entries(cases)) {
    test(name, async (t) => {
      const directory = await temporaryDirectory(t);
      const cacheDirectory = join(directory, "the host's cache");
      const read = await laidOver(directory, theirs, { ...ours, cacheDirectory });
      assert.deepEqual(read, { conf: want, cache: cacheDirectory });
      assert.equal(await readFile(join(directory, 'facter.conf'), 'utf8'), theirs);
    });
  }
});

test('facter.conf: without settings there is no file for Facter', async (t) => {
  const directory = await temporaryDirectory(t);
  const settings = { ttl: {}, block: [], cacheDirectory: join(directory, 'cache') };
  assert.equal(writeFacterConfig(settings, directory), undefined);
  assert.deepEqual(await names(directory), []);
});

test('facts: a value is cached for its ttl, a blocked fact is not resolved, a slow one is named', async (t) => {
  const place = await puppetPlace(t);
  const asked = join(place.directory, 'asked');
  const fact = (name: string, code: string) =>
    `Facter.add(:${name}) { setcode { File.write('${asked}', "${name}\\n", mode: 'a'); ${code} } }\n`;
  await place.write({
    'manifests/site.pp': '',
    'modules/facts/lib/facter/lasting.rb': fact('lasting', 'rand.to_s'),
    'modules/facts/lib/facter/passing.rb': fact('passing', 'rand.to_s'),
    'modules/facts/lib/facter/blocked.rb': fact('blocked', '1'),
    'modules/facts/lib/facter/slow.rb': fact('slow', 'sleep 1.2; Facter.value(:slower)'),
    'modules/facts/lib/facter/slower.rb': fact('slower', 'sleep 1.6; 1'),
    'modules/facts/facts.d/slow.sh': '#!/bin/sh\nsleep 1.1\necho slow_script=1\n',
  });
  const puppet = realPuppet({
    facter: {
      ttl: { lasting: { seconds: 3600 } },
      block: ['blocked'],
      cacheDirectory: join(place.directory, 'state/fact-cache'),
    },
  });
  const runs = [];
  for (const runId of ['run-1', 'run-2']) {
    await place.run(puppet, { runId });
    runs.push(await puppet.read(place.request({ runId }).runDirectory, CERTNAME));
  }
  const [first, second] = runs.map(({ facts }) => facts);
  assert.match(String(factAt(first, 'lasting')), /^0\.\d+$/);
  assert.equal(factAt(second, 'lasting'), factAt(first, 'lasting'));
  assert.notEqual(factAt(second, 'passing'), factAt(first, 'passing'));
  assert.deepEqual((await readFile(asked, 'utf8')).trim().split('\n').sort(), [
    'lasting',
    'passing',
    'passing',
    'slow',
    'slow',
    'slower',
    'slower',
  ]);
  assert.equal(factAt(first, 'blocked'), undefined);
  assert.deepEqual(await names(join(place.directory, 'state/fact-cache')), ['lasting']);
  const { slowFacts = [] } = runs[1] ?? {};
  const seconds = new Map(slowFacts.map((slow) => [slow.name, slow.seconds]));
  for (const [name, least] of [
    ['slower', 1.6],
    ['slow', 1.2],
    ['slow.sh', 1.1],
  ] as const) {
    assert.ok((seconds.get(name) ?? 0) >= least, JSON.stringify(slowFacts));
  }
  assert.ok(!seconds.has('passing'));
  assert.deepEqual(
    slowFacts.map((slow) => slow.seconds),
    [...seconds.values()].sort((a, b) => b - a),
  );
});
