import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Config } from '../../../agent/config/config.ts';
import { loadConfig } from '../../../agent/config/load-config.ts';
import { hostPaths } from '../../../agent/paths.ts';
import { parseConfigFile } from '../../../shared/config/file.ts';
import { configKeys } from '../../../shared/config/schema.ts';
import { configTable, pageAsCommitted } from '../../support/config-docs.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const least = 'bucket: masterless-puppet.example.com\ntree: ubuntu\n';

/** A host with those files below `/etc/miyamoto`. */
async function hostWith(t: TestContext, files: Record<string, string>) {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  for (const [name, text] of Object.entries(files)) {
    const file = join(dirname(paths.configFile), name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return paths;
}

test('config: two lines are enough', async (t) => {
  const { config } = loadConfig(await hostWith(t, { 'agent.yaml': least }));
  assert.equal(config.environment, 'stable');
  assert.equal(config.certname, undefined);
  assert.deepEqual(config.schedule, { poll: '*/5 * * * *', apply: '*/30 * * * *' });
  assert.deepEqual(config.run.time_limit, { seconds: 3600 });
  assert.equal(config.on_expired, 'apply');
  assert.deepEqual(config.report.heartbeat, { seconds: 3600 });
  assert.equal(config.releases.keep, 3);
});

test('config: it is frozen at every level', async (t) => {
  const { config } = loadConfig(await hostWith(t, { 'agent.yaml': least }));
  const writable = config as unknown as {
    schedule: { poll: string };
    facts: { promote: string[] };
  };
  assert.throws(() => {
    writable.schedule.poll = 'x';
  }, TypeError);
  assert.throws(() => writable.facts.promote.push('x'), TypeError);
});

test('config: agent.d is laid over agent.yaml in the order of names, and only its *.yaml', async (t) => {
  const paths = await hostWith(t, {
    'agent.yaml': `${least}environment: one\ngroups: [a]\nrun: {noop: true, tags: [x]}\n`,
    'agent.d/20-b.yaml': 'environment: three\n',
    'agent.d/10-a.yaml': 'environment: two\nrun:\n  noop: false\n',
    'agent.d/30-c.yaml.dpkg-old': 'environment: four\n',
    'agent.d/.40-d.yaml': 'environment: five\n',
  });
  const { config, origins } = loadConfig(paths);
  assert.equal(config.environment, 'three');
  assert.equal(config.run.noop, false);
  assert.deepEqual(config.run.tags, ['x']);
  assert.equal(origins.get('environment'), `${paths.configDirectory}/20-b.yaml:1`);
  assert.equal(origins.get('run.noop'), `${paths.configDirectory}/10-a.yaml:3`);
  assert.equal(origins.get('groups'), `${paths.configFile}:4`);
  assert.equal(origins.get('releases.keep'), 'default');
  assert.equal(origins.get('certname'), 'not set');
  assert.deepEqual(
    [...origins.keys()],
    configKeys(Config).map(({ key }) => key),
  );
});

test('config: agent.d alone is enough', async (t) => {
  const { config } = loadConfig(await hostWith(t, { 'agent.d/site.yaml': least }));
  assert.equal(config.tree, 'ubuntu');
});

test('config: a missing configuration is CONFIG_MISSING, and the message names its path', async (t) => {
  const paths = await hostWith(t, {});
  assert.throws(
    () => loadConfig(paths),
    (error: Error) => {
      assert.equal((error as NodeJS.ErrnoException).code, 'CONFIG_MISSING');
      return error.message.includes(paths.configFile);
    },
  );
});

test('config: a file of agent.d with the suffix .yml is CONFIG_INVALID, and the message has the mv', async (t) => {
  const paths = await hostWith(t, { 'agent.yaml': least, 'agent.d/site.yml': 'groups: [a]\n' });
  const next = `mv ${paths.configDirectory}/site.yml ${paths.configDirectory}/site.yaml`;
  assert.throws(() => loadConfig(paths), { code: 'CONFIG_INVALID', next });
});

test('config: a file in place of agent.d is CONFIG_INVALID', async (t) => {
  const paths = await hostWith(t, { 'agent.yaml': least, 'agent.d': '' });
  assert.throws(() => loadConfig(paths), { code: 'CONFIG_INVALID' });
});

const good: Record<string, string> = {
  'a Mac': 'tree: osx\n',
  'a laptop that runs on mains': 'defer_on: [battery, metered]\ndefer_limit: 12h\n',
  'a laptop': 'wait_for_network: 0s\nrun: {jitter: 2m}\n',
  'a window':
    'apply_window: {weekdays: "mon-thu, sun", time: 22:00-5:00, zone: Europe/Berlin, freeze: [2026-12-24, 2026-12-31/2027-01-06]}\n',
  'a worker': 'schedule: {apply: boot}\n',
  'a host that runs on request': 'schedule: {apply: never}\nrun: {retry: {times: 0}}\n',
  'all there is': [
    'certname: web1.example.com',
    'groups: [canary, "eu:web"]',
    'schedule: {poll: "0-59/10 * * * *", apply: "0 3 * * mon-fri"}',
    'run: {time_limit: 90m, puppet: /opt/puppetlabs/bin/puppet, noop: true, tags: ["profile::ntp"], extra_arguments: [--trace]}',
    'on_expired: stop',
    'facts: {promote: [os.family], deny: [ec2_userdata, networking.interfaces], max_bytes: 65536}',
    'report: {heartbeat: 2h, prometheus_textfile: /var/lib/node_exporter/miyamoto.prom}',
    'releases: {keep: 5, max_tarball_bytes: 1000000, max_bytes: 5000000, max_files: 1000}',
    's3: {endpoint: "http://127.0.0.1:9000", region: us-east-1, path_style: true}',
    'log: {level: debug}',
    'overlay: {data/secrets/vault.yaml: /root/vault.yaml, manifests/node.pp: {template: /etc/node.pp}}',
    'require_files: [/root/vault.yaml]',
    'puppet: {modulepath: [modules, $basemodulepath, /srv/m], node_terminus: exec, external_nodes: bin/enc, settings: {strict: error, statettl: 5}}',
  ].join('\n'),
};

for (const [name, text] of Object.entries(good)) {
  test(`config: ${name}`, () => {
    assert.ok(
      parseConfigFile(
        `bucket: b-1\n${text.includes('tree') ? '' : 'tree: ubuntu\n'}${text}`,
        'x',
        Config,
      ),
    );
  });
}

const bad: Record<string, string> = {
  'bucket with s3://': 'bucket: s3://masterless\ntree: ubuntu',
  'bucket that climbs': 'bucket: ../x\ntree: ubuntu',
  'tree with a slash': 'bucket: abc\ntree: ubuntu/',
  'environment with a dot': `${least}environment: a.b`,
  'environment with a dash': `${least}environment: a-b`,
  'certname in capitals': `${least}certname: Web1`,
  'certname that climbs': `${least}certname: a/../b`,
  'group with a space': `${least}groups: ["a b"]`,
  'poll with six fields': `${least}schedule: {poll: "0 */5 * * * *"}`,
  'poll by a nickname': `${least}schedule: {poll: "@hourly"}`,
  'poll out of range': `${least}schedule: {poll: "61 * * * *"}`,
  'poll on a day that never comes': `${least}schedule: {poll: "0 0 31 2 *"}`,
  'a poll that never comes': `${least}schedule: {poll: never}`,
  'an apply in capitals': `${least}schedule: {apply: Boot}`,
  'a retry after a second': `${least}run: {retry: {after: 1s}}`,
  'a poll that is not a cron expression': `${least}schedule: {poll: often}`,
  'an unknown condition': `${least}defer_on: [lid]`,
  'a jitter of a day': `${least}run: {jitter: 1d}`,
  'a wait of an hour for the network': `${least}wait_for_network: 1h`,
  'a window on no weekday': `${least}apply_window: {weekdays: mon-fry}`,
  'a window on a day of the month': `${least}apply_window: {weekdays: 5L}`,
  'a window with one time': `${least}apply_window: {time: "9:00"}`,
  'a window at 25 hours': `${least}apply_window: {time: "09:00-25:00"}`,
  'a window until half past 24': `${least}apply_window: {time: "09:00-24:30"}`,
  'a window without a length': `${least}apply_window: {time: "09:00-09:00"}`,
  'a freeze on a date that does not exist': `${least}apply_window: {freeze: [2026-02-30]}`,
  'a freeze that ends before it begins': `${least}apply_window: {freeze: [2026-12-27/2026-12-24]}`,
  'a zone that does not exist': `${least}apply_window: {zone: Berlin}`,
  'time limit of a second': `${least}run: {time_limit: 1s}`,
  'time limit of a year': `${least}run: {time_limit: 365d}`,
  'puppet without a path': `${least}run: {puppet: puppet}`,
  'an option for a tag': `${least}run: {tags: ["--noop"]}`,
  'a word for a list': `${least}run: {tags: ntp}`,
  'an unknown on_expired': `${least}on_expired: ignore`,
  'keep of one': `${least}releases: {keep: 1}`,
  'keep of a fraction': `${least}releases: {keep: 2.5}`,
  'an unknown key': `${least}scheduel: {}`,
  'an unknown key in s3': `${least}s3: {regoin: x}`,
  credentials: `${least}s3: {secret_access_key: x}`,
  'an overlay that climbs out': `${least}overlay: {data/../../x: /root/vault.yaml}`,
  'an overlay with an absolute path': `${least}overlay: {/etc/x: /root/vault.yaml}`,
  'an overlay of a relative path': `${least}overlay: {data/x: vault.yaml}`,
  'a template without a path': `${least}overlay: {data/x: {template: node.pp}}`,
  'a fact that hides a variable of Puppet': `${least}facts: {files: {title: /etc/title}}`,
  'a fact in capitals': `${least}facts: {set: {Role: web}}`,
  'a fact that YAML has rounded': `${least}facts: {set: {disk: {bytes: [9223372036853727233]}}}`,
  'a fact that is not a number': `${least}facts: {set: {bytes: [.nan]}}`,
  'an odd name of a variable': `${least}run: {environment: {A-B: x}}`,
  'a module path with a colon': `${least}puppet: {modulepath: ["a:b"]}`,
  'exec without its program': `${least}puppet: {node_terminus: exec}`,
  'a program without exec': `${least}puppet: {external_nodes: /usr/bin/enc}`,
  'a setting that is an option': `${least}puppet: {settings: {"noop --x": 1}}`,
  'a release that others can write': `${least}releases: {mode: 0777}`,
  'an unknown level': `${least}log: {level: verbose}`,
};

for (const [name, text] of Object.entries(bad)) {
  test(`config: ${name} is refused`, () => {
    assert.throws(() => parseConfigFile(text, 'x', Config), { code: 'CONFIG_INVALID' });
  });
}

/** A setting, and what the message says of it. */
const refused: Record<string, RegExp> = {
  certname: /the key certname/,
  noop: /the key run\.noop/,
  modulepath: /the key puppet\.modulepath/,
  environmentpath: /verified release/,
  execute: /verified release/,
  lastrunreport: /files of its own/,
  logdest: /what Puppet prints/,
  splay: /schedule\.apply/,
  genconfig: /ends without a run/,
  skip_tags: /mm-agent --once --skip_tags/,
};

for (const [name, why] of Object.entries(refused)) {
  test(`config: puppet.settings.${name} is refused with the reason`, () => {
    const text = `${least}puppet:\n  settings: {${name}: x}\n`;
    assert.throws(() => parseConfigFile(text, 'x', Config), why);
  });
}

for (const [argument, why] of Object.entries({
  '--noop': /the key run\.noop/,
  '--no-noop': /the key run\.noop/,
  '--lastrunreport=/tmp/report': /files of its own/,
  '--log-level': /what Puppet prints/,
  '--execute': /verified release/,
})) {
  test(`config: run.extra_arguments: ${argument} is refused with the reason`, () => {
    const text = `${least}run: {extra_arguments: [--trace, "${argument}"]}\n`;
    assert.throws(() => parseConfigFile(text, 'x', Config), why);
  });
}

const MESSAGES: Readonly<Record<string, RegExp>> = {
  'overlay: {data/x: {tempalte: /etc/x}}': /absolute path, or a map with the key template, found a/,
  'facts: {set: {load: .nan}}': /found NaN$/m,
};

for (const [text, message] of Object.entries(MESSAGES)) {
  test(`config: the message for ${text}`, () => {
    assert.throws(() => parseConfigFile(`${least}${text}\n`, 'x', Config), { message });
  });
}

const PAGE = `<!-- Generated from agent/config/config.ts: UPDATE_DOCS=1 node --test test/agent/config/config.test.ts -->
# agent.yaml

The agent reads \`/etc/miyamoto/agent.yaml\`, then all \`/etc/miyamoto/agent.d/*.yaml\` in the order of their names. Later
files win, key by key; a list is replaced as a whole. A key that is not in this table is an error. \`bucket\` and \`tree\`
are required. A host also needs a region, here or in its environment; \`mm init\` prints these lines for the hosts of a
tree:

\`\`\`yaml
bucket: masterless-puppet.example.com
tree: ubuntu
s3:
  region: eu-central-1
\`\`\`

A duration is a number of seconds, or one with a unit: \`30s\`, \`10m\`, \`1h\`, \`2d\`. A key with a dot stands inside a map:
\`schedule.poll\` is written

\`\`\`yaml
schedule:
  poll: "*/5 * * * *"
\`\`\`

Credentials have no place in this file. They come from where the AWS SDK looks for them: environment, shared files,
\`credential_process\`, SSO, container, instance role.

${configTable(Config)}
`;

test('docs/config.md says what the schema says', async () => {
  const path = join(import.meta.dirname, '../../../docs/config.md');
  assert.equal(await pageAsCommitted(path, PAGE), PAGE);
});

for (const { key, description } of configKeys(Config)) {
  test(`config: ${key} is described`, () => assert.match(description, /^[A-Z`].*\.$/s));
}

for (const page of ['agent.md', 'from-a-cron-script.md']) {
  test(`docs/${page}: each example is a valid configuration`, async () => {
    const text = await readFile(join(import.meta.dirname, '../../../docs', page), 'utf8');
    const examples = [...text.matchAll(/^( *)```yaml\n(.*?)^ *```$/gms)];
    assert.ok(examples.length > 1);
    for (const [, indent = '', example = ''] of examples) {
      const yaml = example.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
      parseConfigFile(`${yaml.includes('bucket:') ? '' : least}${yaml}`, page, Config);
    }
  });
}
