import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { EXIT_CODES } from '../../agent/core/exit-code.ts';
import { HELP } from '../../agent/help.ts';
import { parseOptions } from '../../agent/options.ts';
import { hostPaths } from '../../agent/paths.ts';
import { ROOT, version } from '../../packaging/build.ts';
import { changelogTime } from '../../packaging/contents/release.ts';
import { manPage } from '../../packaging/man-page.ts';
import { parsePlist } from '../support/plist.ts';

const run = promisify(execFile);
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

const SCRIPTS = {
  sh: [
    'bin/mm',
    'bin/mm-agent',
    'bin/start.sh',
    'examples/apt-repository',
    'launchd/mm-agent-daemon',
    'packaging/contents/mm',
    'packaging/contents/mm-agent',
    'packaging/linux/end-cycle',
    'packaging/macos/postinstall-agent',
    'packaging/macos/sign',
    'packaging/macos/uninstall-agent',
    'packaging/macos/uninstall-operator',
    'packaging/deb/postinst',
    'packaging/deb/postrm',
    'packaging/deb/prerm',
    'test/support/setup.sh',
  ],
  bash: ['.ci/run', 'test/support/systemd-box.sh'],
};
for (const [shell, scripts] of Object.entries(SCRIPTS)) {
  for (const script of scripts) {
    test(`installed files: ${script} is a script for ${shell}`, async () => {
      await run(shell, ['-n', join(ROOT, script)]);
    });
  }
}

/** Values by `Section.Key`; a repeated key has several. */
async function unit(name = 'mm-agent.service'): Promise<Map<string, string[]>> {
  const values = new Map<string, string[]>();
  let section = '';
  for (const line of (await read(`systemd/${name}`)).split('\n')) {
    const [, heading, key, value] =
      /^(?:\[(\w+)\]|(\w+)=(.*)|#.*|)$/.exec(line) ?? assert.fail(line);
    if (heading !== undefined) section = heading;
    if (key !== undefined && value !== undefined) {
      values.set(`${section}.${key}`, [...(values.get(`${section}.${key}`) ?? []), value]);
    }
  }
  return values;
}

const paths = hostPaths({ platform: 'linux', root: '/' });
const UNIT: Record<string, string[]> = {
  'Unit.ConditionPathExists': [`|${paths.configFile}`],
  'Unit.ConditionPathExistsGlob': [`|${paths.configDirectory}/*.yaml`],
  'Service.Type': ['notify'],
  'Service.NotifyAccess': ['all'],
  'Service.ExecStart': [
    '/usr/libexec/miyamoto/node --lite-mode /usr/libexec/miyamoto/mm-agent.mjs',
  ],
  // The identifier that finds the agent's lines in the journal.
  'Service.SyslogIdentifier': ['mm-agent'],
  'Service.Restart': ['always'],
  'Service.RestartPreventExitStatus': [String(EXIT_CODES.config.code)],
  'Service.KillMode': ['process'],
  'Service.StateDirectory': [paths.state.replace('/var/lib/', '')],
  'Service.RuntimeDirectory': [paths.runtime.replace('/run/', '')],
  'Service.RuntimeDirectoryPreserve': ['yes'],
  'Service.LimitCORE': ['0'],
  // V8 writes code while it runs: with this setting the daemon's children end at their start.
  'Service.MemoryDenyWriteExecute': [],
};
test('installed files: options for another Node never reach the agent, however it is started', async () => {
  const launchers = [
    'packaging/contents/mm-agent',
    'packaging/contents/mm',
    'launchd/mm-agent-daemon',
    'bin/start.sh',
  ];
  const unset = await Promise.all(
    launchers.map(async (path) => /^unset ([^#\n]*\w)/m.exec(await read(path))?.[1]),
  );
  assert.match(unset[0] ?? '', /\bNODE_OPTIONS\b/);
  assert.deepEqual(new Set(unset), new Set([unset[0]]));
  for (const name of ['mm-agent.service', 'mm-agent-boot.service'])
    assert.deepEqual((await unit(name)).get('Service.UnsetEnvironment'), [unset[0]]);
});

test('installed files: the systemd unit has the settings that the agent relies on', async () => {
  const values = await unit();
  for (const [key, expected] of Object.entries(UNIT)) {
    assert.deepEqual(values.get(key) ?? [], expected, key);
  }
});

test('installed files: the boot unit starts when the agent does, and does not wait for it', async () => {
  const [agent, boot] = [await unit(), await unit('mm-agent-boot.service')];
  for (const key of ['Unit.ConditionPathExists', 'Unit.ConditionPathExistsGlob'])
    assert.deepEqual(boot.get(key), agent.get(key));
  assert.deepEqual(boot.get('Service.Type'), ['oneshot']);
  assert.deepEqual(boot.get('Service.RemainAfterExit'), ['yes']);
  // A run that restarts the agent would wait for itself.
  const order = ['Before', 'After'].map((key) => boot.get(`Unit.${key}`)?.join(' ') ?? '');
  assert.doesNotMatch(order.join(' '), /mm-agent/);
  const [start = ''] = boot.get('Service.ExecStart') ?? [];
  const words = start.split(' ').slice(2);
  assert.equal(parseOptions(words).command, 'converge');
});

test('installed files: the launchd daemon starts, restarts, and does not kill a run', async () => {
  const plist = parsePlist(await read('launchd/com.github.miyamoto.agent.plist'));
  const { trustRoot } = hostPaths({ platform: 'darwin', root: '/' });
  assert.deepEqual(plist, {
    Label: 'com.github.miyamoto.agent',
    ProgramArguments: ['/usr/local/miyamoto/mm-agent-daemon'],
    RunAtLoad: true,
    // On a Mac, /etc is a link.
    KeepAlive: { PathState: { [`/private${trustRoot}`]: true } },
    ThrottleInterval: 30,
    ExitTimeOut: 90,
    AbandonProcessGroup: true,
    ProcessType: 'Background',
    EnvironmentVariables: { LANG: 'en_US.UTF-8' },
    WorkingDirectory: '/',
    Umask: 0o022,
    HardResourceLimits: { Core: 0 },
    StandardInPath: '/dev/null',
    StandardOutPath: '/var/log/miyamoto/mm-agent.log',
    StandardErrorPath: '/var/log/miyamoto/mm-agent.log',
  });
});

const MALFORMED: Record<string, string> = {
  'an element that is not closed': '<plist><dict><key>Label</key><string>x</string></plist>',
  'a key without a value': '<plist><dict><key>Label</key></dict></plist>',
  'a word that is no integer':
    '<plist><dict><key>Umask</key><integer>022x</integer></dict></plist>',
  'an unknown element': '<plist><dict><key>Umask</key><number>1</number></dict></plist>',
  'a bare <': '<plist><string>a < b</string></plist>',
};
for (const [name, xml] of Object.entries(MALFORMED)) {
  test(`installed files: the plist reader refuses ${name}`, () => {
    assert.throws(() => parsePlist(xml));
  });
}

test('installed files: newsyslog rotates the log that launchd writes, and ends the process that has it open', async () => {
  const [line = ''] = (await read('launchd/miyamoto.newsyslog.conf'))
    .split('\n')
    .filter((text) => !text.startsWith('#'));
  const [log, , , , , , , pidFile, signal] = line.split(/\s+/);
  const plist = parsePlist(await read('launchd/com.github.miyamoto.agent.plist'));
  assert.ok(typeof plist === 'object' && !Array.isArray(plist));
  assert.equal(log, plist['StandardErrorPath']);
  assert.equal(signal, '15');
  assert.ok((await read('launchd/mm-agent-daemon')).includes(`\npid_file=${pidFile}\n`));
});

test('installed files: the Debian changelog is about this version', async () => {
  const changelog = await read('packaging/contents/changelog');
  assert.ok(changelogTime(changelog, await version()) > 1_700_000_000);
  assert.throws(() => changelogTime(changelog, '99.0.0'), /99\.0\.0/);
});

test('installed files: a manual page keeps dashes, backslashes and lines that begin with a dot', () => {
  const page = manPage({
    name: 'x-y',
    section: 8,
    version: '1.2.3',
    help: 'x-y: a b\n\n.d \\e\n--f\n',
  });
  assert.equal(
    page,
    '.TH X-Y 8 "" "Miyamoto 1.2.3"\n.SH NAME\nx\\-y \\- a b\n.SH DESCRIPTION\n.nf\n\n\\&.d \\ee\n\\-\\-f\n.fi\n',
  );
  assert.match(HELP, /^mm-agent: \S/);
});
