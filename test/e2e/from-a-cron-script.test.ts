import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { HostState } from '../../agent/core/state.ts';
import { agentLab } from '../support/agent-lab.ts';
import { tarArchive } from '../support/tar-writer.ts';

const PROJECT = join(import.meta.dirname, '../..');
const PAGE = join(PROJECT, 'docs/from-a-cron-script.md');
const UNIT = join(PROJECT, 'systemd/mm-agent-boot.service');

/** The control repository of the page. Its role shows everything that the script has passed on. */
const FILES = (seen: string): Readonly<Record<string, string>> => ({
  'hiera.yaml': 'version: 5\nhierarchy: [{ name: x, paths: [secrets/vault.yaml, common.yaml] }]\n',
  'data/common.yaml': 'greeting: hello\n',
  'manifests/nodes/.gitkeep': '',
  'manifests/site.pp': '# nothing for every host\n',
  'modules/roles/manifests/web.pp': 'class roles::web { include base }\n',
  'r10k_modules/base/manifests/init.pp': `class base {
    file { '${seen}':
      content => "\${lookup('greeting')} \${lookup('secret')} \${facts['puppet_role']} \${facts['puppetizing']}\\n",
    }
  }\n`,
});

test('from a cron script: the configuration of the page, applied by the real Puppet', async (t) => {
  const page = await readFile(PAGE, 'utf8');
  const lab = await agentLab(t);
  const block = (language: string, part: string): string => {
    const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))];
    const text = blocks.map(([, content = '']) => content).find((one) => one.includes(part));
    // The files of the host are below the root of the lab.
    return (text ?? assert.fail(part)).replaceAll(/ (\/(?:root|etc|tmp|run)\/)/g, ` ${lab.root}$1`);
  };
  const config = block('yaml', 'overlay:').replace(/^(?:bucket|tree|s3| {2}region):.*\n/gm, '');
  const [seen, done] = [join(lab.root, 'seen'), join(lab.root, 'tmp/puppet_run_done')];
  const write = async (name: string, text: string, mode = 0o644) => {
    await mkdir(dirname(join(lab.root, name)), { recursive: true });
    await writeFile(join(lab.root, name), text, { mode });
  };
  await write('root/vault.yaml', 'secret: s3cret\n', 0o600);
  await write('etc/miyamoto/nodes.pp', block('puppet', 'node'));
  await mkdir(dirname(done));
  await lab.configure(config.replace('environment: production', 'environment: stable'));
  const files = FILES(seen);
  lab.publish('1.0.0', files);

  const hooks = [...page.matchAll(/^install -D (\S+) \/(\S+)$/gm)];
  assert.deepEqual(
    hooks.map(([, , path = '']) => path),
    ['etc/miyamoto/hooks.d/on-failure/mail-log', 'etc/miyamoto/hooks.d/pre-run/repair-dpkg'],
  );
  const [[, example = '', hook = ''] = []] = hooks;
  const mail = join(lab.root, 'mail');
  const script = await readFile(join(PROJECT, example), 'utf8');
  // No real mail is sent, and dpkg of this machine stays as it is: test/examples has the rest.
  await write(hook, script.replace('| mail -s', `| tee ${mail}; : -s`), 0o755);

  const roleless = await lab.once();
  assert.equal(roleless.code, 1, roleless.stderr);
  assert.match(await readFile(mail, 'utf8'), /^Error: +FILES_MISSING .*puppet_role/m);
  await rm(mail);
  assert.equal(lab.status().run?.errorCode, 'FILES_MISSING');
  assert.ok(!existsSync(seen));

  await write('etc/puppet_role', 'web\n');
  const good = await lab.once('--detailed-exitcodes');
  assert.equal(good.code, 2, good.stderr);
  assert.equal(await readFile(seen, 'utf8'), 'hello s3cret web true\n');
  assert.ok(existsSync(done));
  const { changes } = JSON.parse(await readFile(lab.paths.stateFile, 'utf8')) as HostState;
  assert.deepEqual(
    changes.map(({ resource, previous, runs }) => [resource, previous, runs]),
    [[`File[${seen}]`, 'absent', 1]],
  );
  assert.equal(lab.facts().facts['puppet_role'], 'web');
  assert.ok(!existsSync(lab.paths.view), 'the vault is gone with the run');

  await rm(seen);
  await write('etc/miyamoto/agent.d/override.yaml', block('yaml', 'environment: testing'));
  const entries = {
    ...files,
    'data/common.yaml': 'greeting: testing\n',
    'manifests/odd.pp': "err('odd')\n",
  };
  const bytes = gzipSync(
    tarArchive(Object.entries(entries).map(([path, content]) => ({ path, content }))),
  );
  lab.simulator.publish('testing', '1.1.0', { bytes });
  lab.sync();
  const odd = await lab.once('--detailed-exitcodes');
  assert.equal(odd.code, 1, odd.stderr);
  assert.equal(await readFile(seen, 'utf8'), 'testing s3cret web true\n');
  assert.match(await readFile(mail, 'utf8'), /^Outcome: +failed, .*^Error: .*odd/ms);
  assert.equal(lab.status().hooks, undefined);
  const { run, release, retry } = lab.status();
  assert.deepEqual([release?.version, run?.status, run?.errors], ['1.1.0', 'failed', 1]);
  assert.deepEqual([retry?.try, retry?.of], [1, 3]);

  // Puppet itself has been shown: from here on one that changes nothing.
  await write('etc/miyamoto/agent.d/puppet.yaml', `run: { puppet: ${await lab.fakePuppet()} }\n`);
  const [, words = ''] = /^ExecStart=\S*mm-agent (.+)$/m.exec(block('ini', '[Service]')) ?? [];
  const [, unit = ''] =
    /^ExecStart=.*mm-agent\.mjs (.+)$/m.exec(await readFile(UNIT, 'utf8')) ?? [];
  assert.deepEqual(words.split(' ').slice(0, 2), unit.split(' '));
  const sentinel = join(lab.root, 'run/puppet_is_good');
  assert.ok(words.endsWith(` --sentinel ${sentinel}`), words);
  const boot = await lab.run(words.split(' '));
  assert.equal(boot.code, 0, boot.stderr);
  assert.equal(JSON.parse(await readFile(sentinel, 'utf8')).version, '1.1.0');
  assert.equal(lab.status().retry, undefined);
});
