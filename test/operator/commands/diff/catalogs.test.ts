import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostFactsKey, hostStatusKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, type OperatorLab, TREE } from '../../operator-lab.ts';
import { changesIn, compareHosts, edit, factsOf, previewLab, report } from './preview-lab.ts';

const WEB = 'web1.example.com';
const PLAIN = 'plain.example.com';
const RED = 'red.example.com';
const MOTD = 'File[/tmp/managed/etc/motd]';

test('diff --catalog: three hosts with different facts, on the 100-resource repository', async (t) => {
  const lab = await previewLab(t);
  await edit(lab, 'data/common.yaml', ['Managed by Puppet.', 'Managed by Miyamoto.']);
  await edit(lab, 'data/os/Debian.yaml', ['  - tar\n', '  - gawk\n']);
  await edit(lab, 'data/role/web.yaml', ['    port: 8101', '    port: 9101']);
  const { catalogs, exitCode, stderr } = await compareHosts(lab, '--catalog', WEB, PLAIN, RED);
  assert.equal(exitCode, 0, stderr);
  const { hosts, unchanged, failures, standIns } = catalogs;
  assert.deepEqual(
    { hosts, unchanged, failures, standIns },
    { hosts: 3, unchanged: 0, failures: [], standIns: [] },
  );
  assert.deepEqual(changesIn(catalogs), [
    '3 ~ Class[Baseline::Motd] notice',
    `3 ~ ${MOTD} content`,
    '2 ~ Class[Baseline] packages',
    '2 - Package[tar]',
    '2 + Package[gawk]',
    '1 ~ Class[Webapp] sites',
    '1 ~ File[/tmp/managed/etc/app/alpha.conf] content',
    '1 ~ Webapp::Site[alpha] port',
  ]);
  const of = (resource: string) => catalogs.changes.find((each) => each.resource === resource);
  assert.deepEqual(of(MOTD)?.certnames, [PLAIN, RED, WEB]);
  // Only the line that differs: the rest of the file is different on each of the hosts.
  assert.deepEqual(of(MOTD)?.values, [
    { before: 'Managed by Puppet.', after: 'Managed by Miyamoto.', hosts: 3 },
  ]);
  assert.deepEqual(of('Package[gawk]')?.certnames, [PLAIN, WEB]);
  assert.deepEqual(of('Package[gawk]')?.values[0]?.after, { ensure: 'installed' });
  const text = await lab.mm(['diff', 'stable', '--catalog', WEB, RED]);
  assert.match(
    text.stdout,
    /^catalogs of 2 hosts: 2 changed, 0 the same, 0 not compiled \(Puppet /m,
  );
  assert.match(text.stdout, /^ {2}2 hosts: ~ File\[\/tmp\/managed\/etc\/motd\] content$/m);
  assert.match(text.stdout, /^ {6}"Managed by Puppet\." -> "Managed by Miyamoto\."$/m);
});

/** A module that asks for all that only a host has, or that is different each time. */
async function addOddModule(lab: OperatorLab): Promise<void> {
  const functions = 'modules/odd/lib/puppet/functions/odd';
  const define = (name: string, code: string) =>
    lab.write(
      `${functions}/${name}.rb`,
      `Puppet::Functions.create_function(:'odd::${name}') do\n  def ${name}\n    ${code}\n  end\nend\n`,
    );
  await define('now', 'Time.now.to_f.to_s + Time.new.to_s');
  await define('random', 'rand(1_000_000).to_s');
  await define('family', `Facter.value('os.family') + Facter.value(:os)['family']`);
  await define('temporary', 'Digest::MD5.hexdigest(Dir.tmpdir) + Dir.tmpdir');
  await lab.write('modules/odd/files/tool', 'first\n');
  await lab.write('modules/odd/files/tree/inner/tool', 'first\n');
  await lab.write('modules/odd/manifests/init.pp', ODD);
  await edit(lab, 'data/common.yaml', ['  - baseline\n', '  - baseline\n  - odd\n']);
  const level =
    '{name: Secrets, lookup_key: eyaml_lookup_key, path: secrets.eyaml, options: {pkcs7_private_key: /nope}}';
  await edit(lab, 'hiera.yaml', ['hierarchy:\n', `hierarchy:\n  - ${level}\n`]);
  await lab.commit('data/secrets.eyaml', 'odd::token: ENC[PKCS7,first]\n');
}

const ODD = `class odd(Sensitive[String] $password = Sensitive('first secret'), String $token) {
  $values = {
    now => odd::now(), random => odd::random(), family => odd::family(), temporary => odd::temporary(),
    path => md5($settings::environmentpath), confdir => $settings::confdir, role => $facts['lab_role'],
    name => "\${trusted['certname']} \${trusted['authenticated']} \${environment} \${clientcert}",
    shadow => file('/etc/shadow'), today => generate('/bin/date'), stamp => String(Timestamp.new()),
  }
  $values.each |$name, $value| { file { "/odd/\${name}": content => "\${value}" } }
  file { '/odd/tool': source => ['puppet:///modules/odd/nope', 'puppet:///modules/odd/tool'] }
  file { '/odd/tree': source => 'puppet:///modules/odd/tree', recurse => true }
  file { '/odd/password': content => $password }
  file { '/odd/token': content => $token }
  file { '/odd/quiet': content => 'a quiet first', show_diff => false }
}
`;

test('diff --catalog: what is different each time, or only on a host, is no change', async (t) => {
  const lab = await previewLab(t);
  await addOddModule(lab);
  await lab.mm(['publish', 'stable', '--no-validate']);
  await lab.commit('README', 'no catalog has it');
  const { catalogs, stdout } = await compareHosts(lab, '--catalog', WEB, RED);
  assert.deepEqual([catalogs.unchanged, catalogs.changes, catalogs.failures], [2, [], []]);
  assert.deepEqual(catalogs.standIns, [
    'the file /etc/shadow',
    'the output of /bin/date',
    'values that eyaml encrypts',
  ]);
  // With another content, the values themselves are seen: nothing of this machine is in them.
  await edit(lab, 'modules/odd/manifests/init.pp', ['content => "', 'content => "is ']);
  const { catalogs: changed } = await compareHosts(lab, '--catalog', WEB, RED);
  const values = Object.fromEntries(
    changed.changes.map(({ resource, values: [first] }) => [resource, String(first?.after)]),
  );
  assert.equal(values['File[/odd/shadow]'], 'is (what the host has in /etc/shadow)');
  assert.equal(values['File[/odd/confdir]'], 'is <puppet>/conf');
  assert.match(
    values['File[/odd/name]'] ?? '',
    /^is (web1|red)\.example\.com local stable \1\.example\.com$/,
  );
  assert.match(values['File[/odd/family]'] ?? '', /^is (DebianDebian|RedHatRedHat)$/);
  assert.ok(!stdout.includes(lab.directory));
});

test('diff --catalog: Sensitive is masked, and a changed source file is a change', async (t) => {
  const lab = await previewLab(t);
  await addOddModule(lab);
  await lab.mm(['publish', 'stable', '--no-validate']);
  await lab.write('data/secrets.eyaml', 'odd::token: ENC[PKCS7,second]\n');
  await lab.write('modules/odd/files/tool', 'second\n');
  await lab.write('modules/odd/files/tree/inner/tool', 'second\n');
  await edit(
    lab,
    'modules/odd/manifests/init.pp',
    ['first secret', 'second secret'],
    ['a quiet first', 'a quiet second'],
  );
  const { catalogs, stdout } = await compareHosts(lab, '--catalog', PLAIN);
  assert.deepEqual(changesIn(catalogs).sort(), [
    '1 ~ Class[Odd] password',
    '1 ~ Class[Odd] token',
    '1 ~ File[/odd/password] content',
    '1 ~ File[/odd/quiet] content',
    '1 ~ File[/odd/token] content',
    '1 ~ File[/odd/tool] source',
    '1 ~ File[/odd/tree] source',
  ]);
  for (const { resource, values } of catalogs.changes) {
    const [{ before, after } = {}] = values;
    assert.notEqual(before, after);
    const pattern = /source|tool|tree/.test(resource)
      ? /^puppet:\/\/\/modules\/odd\/(tool|tree) \(sha256 [0-9a-f]{16}\)$/
      : /^\((secret|encrypted) [0-9a-f]{12}\)$/;
    assert.match(String(after), pattern);
  }
  assert.doesNotMatch(stdout, /first secret|second secret|a quiet/);
});

test('diff --catalog: a host that does not compile is a row, and the exit code says it', async (t) => {
  const lab = await previewLab(t);
  const fail = `if $facts['os']['family'] == 'RedHat' { fail("no \${trusted['certname']} here") }\n`;
  await edit(lab, 'manifests/site.pp', ['node default {', `${fail}node default {`]);
  report(lab, 'red2.example.com', factsOf('RedHat', {}));
  const hosts = ['--catalog', PLAIN, RED, 'red2.example.com'];
  const { catalogs, exitCode, text } = await compareHosts(lab, ...hosts);
  assert.equal(exitCode, 1);
  assert.equal(catalogs.unchanged, 1);
  // One row: the names of the hosts are not part of the error.
  const [row, ...others] = catalogs.failures;
  assert.deepEqual([row?.when, row?.certnames, others], ['after', [RED, 'red2.example.com'], []]);
  assert.match(
    row?.error ?? '',
    /no <host> here.*file: <environment>\/manifests\/site\.pp, line: \d+/,
  );
  assert.match(text, /^ {2}2 hosts, no catalog any more: red\.example\.com, red2\.example\.com$/m);
  await lab.mm(['publish', 'stable', '--no-validate']);
  await edit(lab, 'manifests/site.pp', [fail, '']);
  const repaired = await compareHosts(lab, ...hosts);
  assert.deepEqual([repaired.exitCode, repaired.catalogs.failures[0]?.when], [0, 'before']);
});

test('diff --catalog: facts that a host made up are a row, and nothing of them reaches a terminal', async (t) => {
  const lab = await previewLab(t);
  const put = (name: string, body: string) =>
    lab.server.put(BUCKET, hostFactsKey(TREE, `${name}.example.com`), body);
  const text = (certname: string, facts: string) =>
    `{"schemaVersion":1,"certname":"${certname}.example.com","digest":"${'a'.repeat(64)}","writtenAt":"2026-11-23T10:00:05.000Z","facts":${facts}}`;
  put('none', 'no JSON');
  put('other', text('web1', '{}'));
  put('deep', text('deep', `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`));
  put('large', text('large', JSON.stringify({ a: 'x'.repeat(17 * 1024 ** 2) })));
  put(
    'escape',
    text('escape', JSON.stringify({ ...factsOf('\u001b]52;c;x\u0007\u202eDebian', {}) })),
  );
  put(
    'names',
    text(
      'names',
      JSON.stringify({
        ...factsOf('Debian', {}),
        environment: 'x',
        trusted: 'x',
        'a b': 1,
        __proto__: 1,
        certname: 'web1.example.com',
        big: 12345678901234567890n.toString(),
      }),
    ),
  );
  const names = ['none', 'other', 'deep', 'large', 'escape', 'names', 'gone'];
  const hosts = ['--catalog', ...names.map((name) => `${name}.example.com`), PLAIN];
  await edit(lab, 'data/common.yaml', ['Managed by Puppet.', 'Managed by %{facts.os.name}']);
  const { catalogs, exitCode, stderr, text: shown } = await compareHosts(lab, ...hosts);
  assert.equal(exitCode, 1);
  const failed = catalogs.failures.flatMap(({ when, certnames }) =>
    certnames.map((name) => `${name.split('.')[0]}: ${when}`),
  );
  assert.deepEqual(failed.sort(), [
    'deep: facts',
    'gone: facts',
    'large: facts',
    'none: facts',
    'other: facts',
  ]);
  assert.ok(changesIn(catalogs).includes('3 ~ Class[Baseline::Motd] notice'));
  assert.doesNotMatch(shown + stderr, /[^\n -~]/);
});

test('diff --sample: that many hosts of the environment', async (t) => {
  const lab = await previewLab(t);
  report(lab, 'a.example.com', factsOf('Debian', {}), { environment: 'testing' });
  lab.server.put(BUCKET, hostStatusKey(TREE, 'c.example.com'), 'no status');
  const versions = { ...sampleStatus.versions, puppet: '999.1.0' };
  report(lab, PLAIN, factsOf('Debian', {}), { versions });
  const { catalogs, stderr } = await compareHosts(lab, '--sample', '100');
  assert.deepEqual([catalogs.hosts, catalogs.unchanged], [4, 4]);
  assert.match(stderr, /left out, .*: 1 host$/m);
  assert.match(stderr, /hosts run Puppet 999/);
});

const refusals = {
  'a name that is no certname': { args: ['--catalog', '../x'], code: 'USAGE', env: {} },
  'a group that no host has': { args: ['--group', 'nope'], code: 'USAGE', env: {} },
  'no Puppet': { args: ['--sample', '1'], code: 'PUPPET_MISSING', env: { PATH: '' } },
};

for (const [name, { args, code, env }] of Object.entries(refusals)) {
  test(`diff --catalog: ${name} is ${code}`, async (t) => {
    const lab = await previewLab(t);
    const command = ['diff', 'stable=0.1.0', 'stable', ...args, '--json'];
    const more = 'PATH' in env ? { env } : {};
    const { json } = await lab.mm(command, more);
    assert.equal(ErrorAnswer.parse(json).error.code, code);
  });
}
