import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { HostPuppetOptions } from '../../agent/io/puppet/puppet.ts';
import { type RunTrace, runTrace } from '../support/run-trace.ts';
import { type Box, bootBox } from './box.ts';
import { bundleDriver } from './driver.ts';
import { suites } from './suites.ts';

/**
 * Compiled Ruby and Facter's settings with the Ruby, Puppet and Facter of a suite; MM_TEST_SUITES
 * names others too.
 */

const FIXTURES = join(import.meta.dirname, '../fixtures');
const SUITES = suites();
const CERTNAME = 'box.example.com';
const STATE = '/var/lib/mm';
const RUN = `${STATE}/runs/run-1`;
const CACHE = `${STATE}/ruby-cache`;
const OPT_RUBY = '/opt/puppetlabs/puppet/lib/ruby/vendor_ruby';

const stack = new AsyncDisposableStack();
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'miyamoto-ruby-box-'));
  stack.defer(() => rm(directory, { recursive: true }));
  await bundleDriver(join(directory, 'driver.mjs'));
  const environment = ['-C', join(FIXTURES, 'control-repo'), '.'];
  await promisify(execFile)('tar', ['-cf', join(directory, 'environment.tar'), ...environment]);
});
after(() => stack.disposeAsync());

/**
 * Forky has OpenVox in Puppet's place; bullseye has Puppet 5, but the Ruby 2.7 of Puppet 7's own
 * packages.
 */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  forky: ['openvox-agent', 'openfact'],
  bullseye: [
    ...['ruby', 'ruby-augeas', 'ruby-shadow', 'ruby-concurrent'],
    ...['ruby-deep-merge', 'ruby-hocon', 'ruby-thor'],
  ],
};

async function boxOf(suite: string): Promise<Box> {
  const packages = PACKAGES[suite] ?? ['puppet-agent', 'facter'];
  const box = stack.use(await bootBox(`ruby-${suite}-${process.pid}`, { suite, packages }));
  await box.push(process.execPath, '/root/node');
  await box.push(join(directory, 'driver.mjs'), '/root/driver.mjs');
  await box.push(join(directory, 'environment.tar'), '/root/environment.tar');
  await box.sh(`mkdir -p -m 700 ${STATE}; mkdir -p ${STATE}/environments/stable ${RUN}
    tar -xf /root/environment.tar -C ${STATE}/environments/stable`);
  if (suite === 'bullseye') await unpackPuppet7(box);
  return box;
}

/**
 * One run in the box, with those switches; the same run directory each time, for its path is a
 * fact.
 */
async function apply(
  box: Box,
  options: Partial<HostPuppetOptions>,
  puppet = '/usr/bin/puppet',
): Promise<RunTrace & { readonly lines: readonly string[]; readonly end: unknown }> {
  const version = (await box.exec('/usr/bin/puppet', '--version')).trim();
  const request = {
    runId: 'run-1',
    runDirectory: RUN,
    puppet: { path: puppet, version },
    environmentPath: `${STATE}/environments`,
    environment: 'stable',
    releaseLabel: '1.0.0',
    viewPath: `${STATE}/view`,
    certname: CERTNAME,
    noop: false,
    tags: [],
    skipTags: [],
    debug: false,
    extraArguments: ['--no-exclude_unchanged_resources'],
    timeLimitSeconds: 600,
  };
  const words = [{ launcher: 'systemd', ...options }, request].map((value) =>
    JSON.stringify(value),
  );
  const printed = await box.exec('/root/node', '/root/driver.mjs', 'apply', ...words);
  const lines = printed.trim().split('\n');
  const end: unknown = JSON.parse(lines.pop() ?? '');
  const read = async (path: string) => JSON.parse(await box.sh(`cat ${path}`)) as unknown;
  const facts = (await read(`${RUN}/client_data/facts/${CERTNAME}.json`)) as { values: unknown };
  return {
    end,
    ...runTrace(await read(`${RUN}/report.json`), facts.values),
    lines: lines.map((text) => text.replace(/ in [\d.]+ seconds/, '')),
  };
}

const on = { rubyCache: { directory: CACHE, isEnabled: true } };
const edition = (box: Box) => box.exec('stat', '-c', '%i %Z %s', `${CACHE}/pack`);

for (const suite of SUITES) {
  const booted = Promise.withResolvers<Box>();

  test(`ruby cache: ${suite}: the same catalog, facts and output without it, as it is built, and warm`, async () => {
    const box = await boxOf(suite);
    booted.resolve(box);
    await apply(box, {});
    const bare = await apply(box, {});
    // 4: the base provider of services wants ps, which so small a system lacks.
    assert.deepEqual(bare.end, { kind: 'exited', exitCode: 4 }, bare.lines.join('\n'));
    assert.equal(Object.keys(bare.resources).length, 107);
    assert.equal(bare.facts['lab_role'], 'web');
    assert.deepEqual(await apply(box, on), bare);
    const built = await edition(box);
    assert.deepEqual(await apply(box, on), bare);
    assert.equal(await edition(box), built, 'nothing had to be compiled the second time');

    await layOutLikePuppetsOwn(box);
    await box.sh(`rm ${CACHE}/pack`);
    assert.deepEqual(await apply(box, on, '/opt/puppetlabs/bin/puppet'), bare);
    const vendors = await edition(box);
    assert.match(vendors, /^\d+ \d+ \d{7}/);
    assert.deepEqual(await apply(box, on, '/opt/puppetlabs/bin/puppet'), bare);
    assert.equal(await edition(box), vendors, 'nor here');

    await box.sh(`dd if=/dev/urandom of=${CACHE}/pack bs=1k seek=2000 count=200 conv=notrunc`);
    assert.deepEqual(await apply(box, on), bare);
    assert.deepEqual(await apply(box, on), bare);
  });

  test(`facter.conf: ${suite}: the host's own and ours, together`, async () => {
    const box = await booted.promise;
    const path = await box.sh(
      `ruby -I ${OPT_RUBY} -e 'require "facter"; puts Facter::ConfigReader.send(:default_path)'`,
    );
    await box.sh(`install -d "$(dirname ${path.trim()})"
      echo 'facts : { blocklist : [ "timezone" ] }' >${path.trim()}`);
    const facter = { ttl: { os: { seconds: 3600 } }, block: ['kernelrelease'] };
    const cacheDirectory = `${STATE}/fact-cache`;
    const plain = await apply(box, { ...on, facter: { ttl: {}, block: [], cacheDirectory } });
    assert.equal(plain.facts['timezone'], undefined);
    assert.ok(plain.facts['kernelrelease']);
    const laidOver = await apply(box, { ...on, facter: { ...facter, cacheDirectory } });
    assert.equal(laidOver.facts['timezone'], undefined);
    assert.equal(laidOver.facts['kernelrelease'], undefined);
    assert.deepEqual(laidOver.facts['os'], plain.facts['os']);
    assert.match(await box.sh(`ls ${cacheDirectory}`), /^operating system|^os/);
    const cached = await apply(box, { ...on, facter: { ...facter, cacheDirectory } });
    assert.deepEqual(cached.facts, laidOver.facts);
  });
}

/**
 * The Ruby of bookworm's Puppet 7 and Facter 4, which is Ruby 2.7's too, where Puppet's own
 * packages have theirs.
 */
async function unpackPuppet7(box: Box): Promise<void> {
  await box.sh(`cd /root
    sed s/bullseye/bookworm/ /etc/apt/sources.list >/etc/apt/sources.list.d/bookworm.list
    apt-get -qq update
    apt-get -qq download puppet-agent/bookworm facter/bookworm hiera/bookworm ruby-semantic-puppet/bookworm
    rm /etc/apt/sources.list.d/bookworm.list
    for deb in *.deb; do dpkg-deb -x "$deb" unpacked; done
    install -d ${dirname(OPT_RUBY)}
    mv unpacked/usr/lib/ruby/vendor_ruby ${OPT_RUBY}
    sed -i "1a \\$LOAD_PATH.unshift '${OPT_RUBY}'" unpacked/usr/bin/puppet
    cp -r unpacked/etc unpacked/usr unpacked/var /`);
}

/**
 * As Puppet's and OpenVox's own packages have it: a script that clears the environment, and the
 * real one elsewhere.
 */
async function layOutLikePuppetsOwn(box: Box): Promise<void> {
  await box.sh(`mkdir -p /opt/puppetlabs/bin /opt/puppetlabs/puppet/bin
    cd /opt/puppetlabs/puppet/bin
    cp -L /usr/bin/ruby ruby
    { echo '#!/opt/puppetlabs/puppet/bin/ruby'; tail -n +2 /usr/bin/puppet; } >puppet
    { echo '#!/bin/sh'; echo 'unset GEM_HOME RUBYLIB RUBYOPT'; echo 'exec /opt/puppetlabs/puppet/bin/puppet "$@"'; } >wrapper.sh
    chmod 755 puppet wrapper.sh
    ln -s /opt/puppetlabs/puppet/bin/wrapper.sh /opt/puppetlabs/bin/puppet`);
}
