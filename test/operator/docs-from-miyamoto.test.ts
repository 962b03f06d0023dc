import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { PROJECT } from '../support/project-files.ts';
import { BUCKET, openOperatorLab } from './operator-lab.ts';

const PAGE = await readFile(join(PROJECT, 'docs/from-miyamoto-2012.md'), 'utf8');

/** Every task of `Rakefile` and `Rakefile.osx`. */
const TASKS = [
  ...['running_as_root', 'experimental_checkout', 'snapshot_stable', 'snapshot_testing'],
  ...['publish_stable', 'publish_testing', 'publish_all', 'promote_environments'],
  ...['promote_master_to_development', 'promote_development_to_stable', 'display_json_config'],
  ...['zap_all_debs', 'clean', 'set_precommit', 'setup_branches', 'setup_new_banches', 'bump_osx'],
  ...['update_unstable', 'promote_master_to_lion_unstable', 'publish_unstable'],
  ...['promote_lion_unstable_to_lion_stable', 'snapshot_unstable_to_dmg', 'masterless', 'validate'],
];

interface Row {
  readonly task: string;
  readonly commands: readonly string[];
}

function rows(): Row[] {
  const [, table = ''] = /^\| task \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/m.exec(PAGE) ?? [];
  return table
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, task = '', cell = ''] = /^\| `(\w+)` \| (`.+?`) \| .+ \|$/.exec(line) ?? [];
      assert.notEqual(task, '', `no row of task, commands and difference: ${line}`);
      return { task, commands: [...cell.matchAll(/`([^`]+)`/g)].map(([, each = '']) => each) };
    });
}

test('from Miyamoto of 2012: the page has every task of the original', () => {
  const found = new Set(rows().map(({ task }) => task));
  // The one task that is a condition of others, and not something that one does.
  assert.deepEqual(new Set([...found, 'running_as_root']), new Set(TASKS));
  assert.ok(PAGE.includes('`running_as_root` has no command'));
});

/** The repository and the bucket of somebody who used the original. */
async function originalLab(t: TestContext) {
  const lab = await openOperatorLab(t);
  await lab.git('rm', '--quiet', '-r', 'manifests');
  await lab.write('.gitignore', 'miyamoto.yaml\n*.root.json\n.miyamoto/\nconfig.json\n.DS_Store\n');
  await lab.write('.DS_Store', 'x');
  await lab.write('modules/a/manifests/init.pp', 'class a {\n}\n');
  await lab.write('classes/base.pp', 'class base {\n  include a\n}\n');
  await lab.commit('nodeless_site.pp', 'node default {\n  include base\n}\n');
  for (const branch of ['stable', 'development', 'master']) await lab.git('branch', branch);
  await lab.git('checkout', '--quiet', 'master');
  const tree = (name: string) => `ubuntu/${name}`;
  const config = {
    ...{ bucket: BUCKET, base_directory: '/etc/miyamoto', status: tree('status') },
    ...{ os_target: 'ubuntu', manifests: tree('manifests'), binaries: tree('binaries') },
    environments: tree('flavors'),
    branches: { stable: 'stable', testing: 'development', working: 'master' },
  };
  await lab.write('config.json', JSON.stringify(config));
  const program = `'${process.execPath}' '${join(PROJECT, 'operator/main.ts')}'`;
  await mkdir(join(lab.directory, 'bin'));
  const mm = join(lab.directory, 'bin/mm');
  await writeFile(mm, `#!/bin/sh\nexec ${program} "$@"\n`);
  await chmod(mm, 0o755);
  return lab;
}

/** As a person types it, with what a test needs in addition. */
const ADDED: Readonly<Record<string, (lab: Lab) => readonly string[]>> = {
  init: ({ server }) => ['--endpoint', server.endpoint],
  // The host is a folder, so that no root is needed.
  apply: ({ directory }) => ['--root', join(directory, 'root')],
};
type Lab = Awaited<ReturnType<typeof originalLab>>;

async function run(lab: Lab, command: string): Promise<void> {
  const [program = '', ...words] = command.replace(/^sudo /, '').split(' ');
  if (program === 'mm') {
    const added = ADDED[words[0] ?? '']?.(lab) ?? [];
    const agentCommand = [process.execPath, join(PROJECT, 'agent/main.ts')];
    // Later than the second in which it would count as a retry of the publication before.
    clock += 2000;
    const now = clock;
    // A person at a terminal, who agrees to a promotion.
    const askLine = async () => 'yes';
    const done = await lab.mm([...words, ...added], { agentCommand, askLine, now: () => now });
    assert.equal(done.exitCode, 0, `${command}\n${done.stdout}${done.stderr}`);
    return;
  }
  await shell(lab, command);
}
let clock = Date.now();

async function shell(lab: Lab, command: string): Promise<string> {
  const env = {
    ...process.env,
    HOME: join(lab.directory, 'home'),
    PATH: `${join(lab.directory, 'bin')}:${process.env['PATH']}`,
  };
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: lab.repository, env });
  return stdout;
}

test('from Miyamoto of 2012: every command of the page runs in its repository', async (t) => {
  const lab = await originalLab(t);
  const [, first = ''] = /^```\n(mm init .+)\n```$/m.exec(PAGE) ?? [];
  await run(lab, first);
  const done = new Set<string>();
  for (const { task, commands } of rows()) {
    for (const command of commands) {
      if (done.has(command) && !command.includes('promote')) continue;
      done.add(command);
      await t.test(`${task}: ${command}`, async () => await run(lab, command));
    }
  }
  // The hook of set_precommit.
  await lab.write('classes/base.pp', 'class base {\n  include a\n');
  await lab.git('add', '--all');
  const author = '-c user.name=a -c user.email=a@example.com';
  await assert.rejects(shell(lab, `git ${author} commit --quiet --message broken`), (error) => {
    // git prints what a hook prints on stderr.
    const { stderr } = error as { stderr: string };
    assert.match(stderr, /^classes\/base\.pp:\d+(:\d+)?: error: /m);
    return true;
  });
});
