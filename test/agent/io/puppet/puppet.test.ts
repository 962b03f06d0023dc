import assert from 'node:assert/strict';
import { mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { collectFacts, factAt } from '../../../../agent/core/facts/facts.ts';
import { CERTNAME, puppetPlace, realPuppet, summaryOf } from '../../../support/puppet-run.ts';
import { runningProcess } from '../../../support/running-process.ts';
import { waitUntil } from '../../../support/wait-until.ts';

const CONTROL_REPO = join(import.meta.dirname, '../../../fixtures/control-repo');
const puppet = realPuppet();

/** A fact that is not UTF-8 but passes Facter, as its own fact `ec2_userdata` may. */
const RAW_FACT = `
module LegacyFacter::Util::Normalization
  def self.normalize(value)
    value
  end
end
Facter.add(:raw) { setcode { "gz\\x1f\\x8b\\xff" } }
Facter.add(:huge) { setcode { 'x' * 3_000_000 } }
`;

suite('the real puppet apply', () => {
  test('the control repository: 107 resources, custom facts, and no changes in the second run', async (t) => {
    const place = await puppetPlace(t);
    const root = join(place.directory, 'managed');
    const managed = realPuppet({ environment: { MANAGED_ROOT: root } });
    const { environmentPath } = place.request();
    await mkdir(environmentPath);
    await symlink(CONTROL_REPO, join(environmentPath, 'stable'));

    const first = await place.run(managed);
    assert.deepEqual([first.status, first.exitCode], ['changed', 2], first.error ?? '');
    assert.equal(first.resources?.total, 107);
    assert.equal(first.changedResourcesTotal, first.resources.changed);
    assert.ok(first.changedResources.includes(`File[${root}]`));
    const applied = place.lines.find(({ text }) => text.startsWith('Notice: Applied catalog'));
    assert.equal(applied?.level, 'info');

    const second = await place.run(managed, { runId: 'run-2' });
    assert.deepEqual(
      [second.status, second.exitCode, second.resources?.total, second.changedResources],
      ['unchanged', 0, 107, []],
    );
    const { runDirectory } = place.request({ runId: 'run-2' });
    const { facts, problems } = await puppet.read(runDirectory, CERTNAME);
    const collected = collectFacts(facts, {
      deny: [],
      promote: ['lab_role', 'kernel'],
      maxBytes: 2 ** 20,
    });
    assert.deepEqual(problems, []);
    assert.equal(collected?.promoted['lab_role'], 'web');
    assert.ok(collected.promoted['kernel']);
    assert.match(collected.facterVersion ?? '', /^\d+\.\d+/);
    // From facts.d: an executable and a YAML file.
    assert.ok(factAt(facts, 'lab_shell') !== undefined && factAt(facts, 'lab_site') !== undefined);
  });

  test('failed resources: a command, and a refresh', async (t) => {
    const place = await puppetPlace(t);
    await place.write({
      'modules/web/manifests/init.pp': `class web {
        notify { 'changed': } ~> exec { 'reload': command => '/bin/false', refreshonly => true }
        exec { '/bin/false': }
      }`,
      'manifests/site.pp': 'include web',
    });
    const summary = await place.run(puppet);
    assert.deepEqual(
      [summary.status, summary.exitCode, summary.resources?.failed],
      ['failed', 6, 2],
    );
    const failed = new Map(
      summary.failedResources.map((resource) => [resource.resource, resource]),
    );
    assert.deepEqual([...failed.keys()].sort(), ['Exec[/bin/false]', 'Exec[reload]']);
    assert.match(failed.get('Exec[reload]')?.message ?? '', /refresh/);
    assert.match(failed.get('Exec[/bin/false]')?.message ?? '', /returned 1/);
    assert.equal(failed.get('Exec[/bin/false]')?.file, 'modules/web/manifests/init.pp');
    assert.equal(failed.get('Exec[/bin/false]')?.line, 3);
  });

  test('a catalog that does not compile', async (t) => {
    const place = await puppetPlace(t);
    await place.write({ 'manifests/site.pp': '\ninclude nowhere' });
    const summary = await place.run(puppet);
    assert.deepEqual(
      [summary.status, summary.exitCode, summary.resources],
      ['not-compiled', 1, null],
    );
    assert.match(summary.error ?? '', /nowhere.*\(file: manifests\/site\.pp, line: 2/);
  });

  test('noop, and only the resources with the tag', async (t) => {
    const place = await puppetPlace(t);
    const file = join(place.directory, 'not-written');
    await place.write({
      'environment.conf': 'manifest = site\n',
      'site/site.pp': `
        file { '${file}': content => 'x', tag => 'wanted' }
        file { '${file}-2': content => 'x', tag => ['wanted', 'skipped'] }
        file { '${file}-3': content => 'x' }`,
    });
    const summary = await place.run(puppet, {
      noop: true,
      tags: ['wanted'],
      skipTags: ['skipped'],
    });
    assert.deepEqual([summary.status, summary.noop, summary.exitCode], ['pending', true, 0]);
    assert.deepEqual(summary.changedResources, [`File[${file}]`]);
  });

  test('a quoted manifest in environment.conf, and a config_version that needs git', async (t) => {
    const place = await puppetPlace(t);
    await place.write({
      'environment.conf':
        'manifest = "site.pp"\nconfig_version = "scripts/version.sh $environmentpath $environment"\n',
      'scripts/version.sh': '#!/bin/sh\nexec git -C $1/$2 rev-parse HEAD\n',
      'release.json': '{"version": "1.2.3", "commit": null}',
      'site.pp': "notify { 'hello': }",
    });
    const summary = await place.run(puppet);
    assert.equal(summary.status, 'changed', summary.error ?? '');
    assert.deepEqual(summary.changedResources, ['Notify[hello]']);
  });

  test('the older form, facts that are not UTF-8, and huge ones', async (t) => {
    const place = await puppetPlace(t);
    await place.write({
      'nodeless_site.pp': "$who = 'world'\ninclude greeting",
      'classes/deep/greeting.pp':
        'class greeting { $size = length($facts[raw]) notify { "hello $who, raw $size": } }',
      'modules/raw/lib/facter/raw.rb': RAW_FACT,
    });
    const summary = await place.run(puppet);
    assert.equal(summary.status, 'changed', summary.error ?? '');
    assert.deepEqual(summary.changedResources, ['Notify[hello world, raw 5]']);
    const { facts } = await puppet.read(place.request().runDirectory, CERTNAME);
    assert.equal(factAt(facts, 'raw'), 'gz\u001f\ufffd\ufffd');
    const collected = collectFacts(facts, { deny: [], promote: [], maxBytes: 524_288 });
    assert.ok(JSON.stringify(collected?.all).length < 524_288);
    assert.match(String(collected?.all['huge']), /clipped/);
  });

  test('a command that hangs is ended with the run, and the report lists what was done', async (t) => {
    const place = await puppetPlace(t);
    const pidFile = join(place.directory, 'pid');
    await place.write({
      'hang.sh': `#!/bin/sh\necho $$ >${pidFile}\nexec sleep 1001\n`,
      'manifests/site.pp': `exec { '${place.request().environmentPath}/stable/hang.sh': timeout => 0 }`,
    });
    const stop = new AbortController();
    const watching = abortAtFile(pidFile, stop);
    const startedAt = Date.now();
    const request = place.request();
    const exit = await puppet.apply(request, stop.signal);
    const runs = await watching;
    assert.deepEqual(exit, { kind: 'killed', signal: 'SIGTERM', why: 'stopped' });
    assert.equal(await runs(), false);
    const summary = await summaryOf(puppet, request, { startedAt, exit });
    assert.deepEqual([summary.status, summary.killedBy], ['killed', 'stopped']);
    assert.ok(summary.resources !== null);
  });
});

/**
 * Waits until a shell has written its pid to the file: it creates a file before it writes to it.
 * Returns whether that process still runs.
 */
async function abortAtFile(path: string, stop: AbortController): Promise<() => Promise<boolean>> {
  await waitUntil(async () => (await stat(path)).size > 0);
  const runs = await runningProcess(Number(await readFile(path, 'utf8')));
  stop.abort();
  return runs;
}
