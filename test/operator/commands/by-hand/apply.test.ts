import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostPaths } from '../../../../agent/paths.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { ApplyAnswer } from '../../../../operator/by-hand-answers.ts';
import type { Context } from '../../../../operator/context.ts';
import { builtProgram } from '../../../support/built-program.ts';
import { PROJECT } from '../../../support/project-files.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { waitUntil } from '../../../support/wait-until.ts';
import { openOperatorLab } from '../../operator-lab.ts';

const agentCommand = await builtProgram('mm-agent');
const AGENT = 'bucket: fleet\ntree: ubuntu\ncertname: web1.example.com\nenvironment: testing\n';

/** A work tree, and a host with its agent below `root`. What mm leaves behind would be in `tmp`. */
async function applyLab(t: TestContext) {
  const lab = await openOperatorLab(t);
  const root = join(lab.directory, 'root');
  const paths = hostPaths({ platform: process.platform === 'darwin' ? 'darwin' : 'linux', root });
  const tmp = await temporaryDirectory(t);
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = tmp;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  const context: Partial<Context> = { agentCommand };
  return {
    ...lab,
    root,
    paths,
    tmp,
    async configure(text: string): Promise<void> {
      await mkdir(paths.configDirectory, { recursive: true });
      await writeFile(paths.configFile, AGENT + text);
    },
    /** A program in place of Puppet, which needs seconds. It stores its arguments. */
    async fakePuppet(script: string): Promise<string> {
      const path = join(lab.directory, 'puppet');
      const report = `{"time":"$(date -u +%FT%TZ)","status":"unchanged"}`;
      await writeFile(
        path,
        `#!/bin/sh
[ "$1" = --version ] && { echo 8.10.0; exit 0; }
echo "$*" >${lab.directory}/arguments
${script}
while [ $# -gt 0 ]; do [ "$1" = --lastrunreport ] && report=$2; shift; done
echo "${report.replaceAll('"', '\\"')}" >"$report"
`,
      );
      await chmod(path, 0o755);
      return path;
    },
    apply: async (...args: string[]) =>
      await lab.mm(['apply', '--root', root, '--json', ...args], context),
  };
}

test('apply: the real Puppet applies the work tree as the agent of this host would', async (t) => {
  const lab = await applyLab(t);
  const made = join(lab.directory, 'made');
  await lab.configure(`facts: { set: { role: web } }\n`);
  await lab.write('.gitignore', 'modules/\n');
  await lab.write('modules/a/manifests/init.pp', 'class a { notify { "ignored by git": } }\n');
  const content = `\${facts[role]} \${environment} \${trusted[certname]}`;
  await lab.commit('environment.conf', 'modulepath = modules\n');
  await lab.write(
    'manifests/site.pp',
    `include a\nfile { '${made}': ensure => file, content => "${content}" }\n`,
  );
  const planned = await lab.apply('--noop');
  const [noop] = ApplyAnswer.parse(planned.json, { error: () => planned.stderr }).runs;
  assert.deepEqual([planned.exitCode, noop?.run?.status, noop?.run?.noop], [0, 'pending', true]);
  assert.ok(!existsSync(made));
  const done = await lab.apply('--detailed-exitcodes');
  const { runs, source } = ApplyAnswer.parse(done.json, { error: () => done.stderr });
  const [run] = runs;
  assert.deepEqual(
    [done.exitCode, run?.run?.status, run?.run?.resources?.changed],
    [2, 'changed', 2],
  );
  assert.equal(await readFile(made, 'utf8'), 'web testing web1.example.com');
  assert.equal(source.commit, null);
  // Nothing of mm and nothing of the agent: only what Puppet itself keeps.
  assert.deepEqual(await readdir(lab.tmp), []);
  assert.deepEqual(await readdir(lab.paths.state), ['puppet']);
  assert.ok(!existsSync(lab.paths.runtime));
});

test('apply: environments, options, the host without agent.yaml, and what does not run', async (t) => {
  const lab = await applyLab(t);
  const bare = await lab.apply('--debug', 'no-such-directory.x');
  assert.equal(ErrorAnswer.parse(bare.json).error.code, 'USAGE', 'no name of an environment');

  await lab.configure(`run: { puppet: ${await lab.fakePuppet('')} }\n`);
  const two = await lab.apply('stable', 'dev', '--noop', '--tags', 'a,b', '--ref', 'main');
  const { runs, source } = ApplyAnswer.parse(two.json, { error: () => two.stderr });
  assert.deepEqual(
    runs.map(({ environment, puppet, run }) => [environment, puppet, run?.status]),
    [
      ['stable', '8.10.0', 'unchanged'],
      ['dev', '8.10.0', 'unchanged'],
    ],
  );
  assert.equal(source.commit, await lab.git('rev-parse', 'main'));
  const given = await readFile(join(lab.directory, 'arguments'), 'utf8');
  assert.match(given, / --environment dev .* --noop .*--tags a,b /);
  assert.match(given, new RegExp(`--config_version=/bin/echo ${source.commit.slice(0, 12)} `));

  await lab.fakePuppet('exit 1');
  const failed = await lab.apply();
  const [broken] = ApplyAnswer.parse(failed.json).runs;
  assert.deepEqual([failed.exitCode, broken?.run?.status], [1, 'not-compiled']);

  await mkdir(lab.paths.state, { recursive: true });
  const disabled = { reason: 'database migration', by: 'ann', until: null };
  await writeFile(lab.paths.disabledFile, JSON.stringify(disabled));
  const stopped = await lab.apply();
  const [none] = ApplyAnswer.parse(stopped.json).runs;
  assert.deepEqual(
    [stopped.exitCode, none?.run, none?.disabled],
    [10, null, 'database migration (ann)'],
  );

  await lab.configure('run: { pupet: /x }\n');
  const wrong = await lab.apply();
  assert.equal(ErrorAnswer.parse(wrong.json).error.code, 'CONFIG_INVALID');
  assert.deepEqual(await readdir(lab.tmp), []);
});

test('apply: who may not, and a machine without mm-agent', async (t) => {
  const lab = await openOperatorLab(t);
  const code = async (args: readonly string[], context: Partial<Context>) => {
    const { json } = await lab.mm(['apply', '--json', ...args], context);
    return ErrorAnswer.parse(json).error.code;
  };
  assert.equal(await code([], {}), 'PERMISSION_DENIED');
  assert.equal(await code(['--noop'], { isRoot: false }), 'PERMISSION_DENIED');
  assert.equal(await code(['--root', lab.directory], {}), 'AGENT_MISSING');
});

test('apply: a signal ends Puppet, and mm leaves nothing behind', async (t) => {
  const lab = await applyLab(t);
  const mark = join(lab.directory, 'pid');
  const puppet = await lab.fakePuppet(`echo $$ >${mark}.new; mv ${mark}.new ${mark}; sleep 60`);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  const program = join(PROJECT, 'operator/main.ts');
  const child = spawn(process.execPath, [program, 'apply', '--root', lab.root], {
    cwd: lab.repository,
    env: { ...process.env, HOME: lab.directory },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  await waitUntil(() => existsSync(mark));
  const pid = Number(readFileSync(mark, 'utf8'));
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [143, null]);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assert.deepEqual(await readdir(lab.tmp), []);
});
