import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findPuppet } from '../../../../operator/puppet/find-puppet.ts';
import { parseLintFile } from '../../../../operator/release/gates/lint-settings.ts';
import { blobId, Verdicts, verdictKey } from '../../../../operator/release/gates/verdicts.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { git } from '../../operator-lab.ts';
import { type Files, openGates } from './lab.ts';

const key = (text: string) => verdictKey(text);

test('verdicts: a blob has the id that git gives it', async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'x'), 'class a { }\n');
  assert.equal(blobId(Buffer.from('class a { }\n')), await git(directory, 'hash-object', 'x'));
});

test('verdicts: are kept for one version of the tools, in a private file', async (t) => {
  const path = join(await temporaryDirectory(t), 'state/gates');
  const first = new Verdicts(path, 'puppet 7');
  first.add(key('a'), 'clean');
  first.add(key('b'), 'passed');
  first.save();
  const again = new Verdicts(path, 'puppet 7');
  assert.deepEqual(
    ['a', 'b', 'c'].map((each) => again.get(key(each))),
    ['clean', 'passed', undefined],
  );
  assert.equal(new Verdicts(path, 'puppet 8').get(key('a')), undefined);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('verdicts: the newest 100,000 are kept, those in use before all others', async (t) => {
  const path = join(await temporaryDirectory(t), 'gates');
  const many = new Verdicts(path, 'x');
  for (let n = 0; n < 100_000; n += 1) many.add(key(`${n}`), 'clean');
  many.save();
  const next = new Verdicts(path, 'x');
  assert.equal(next.get(key('99999')), 'clean');
  next.add(key('new'), 'clean');
  next.save();
  const last = new Verdicts(path, 'x');
  assert.deepEqual(
    ['new', '99999', '0', '99998'].map((each) => last.get(key(each))),
    ['clean', 'clean', 'clean', undefined],
  );
  assert.ok((await stat(path)).size < 3_000_000);
});

for (const [name, text] of Object.entries({
  empty: '',
  'of another format': 'good\n',
  binary: Buffer.from([0, 255, 10, 0, 10]),
})) {
  test(`verdicts: a file that is ${name} is as good as no file`, async (t) => {
    const path = join(await temporaryDirectory(t), 'gates');
    await writeFile(path, text);
    const verdicts = new Verdicts(path, 'x');
    assert.equal(verdicts.get(key('a')), undefined);
    verdicts.add(key('a'), 'clean');
    verdicts.save();
    assert.equal(new Verdicts(path, 'x').get(key('a')), 'clean');
  });
}

const MODULES = 50;
/** 2,000 files, of which Puppet would load 1,001. */
function generated(): Record<string, string> {
  const files: Record<string, string> = { 'environment.conf': 'modulepath = modules\n' };
  for (let n = 0; n < 2000 - 2; n += 1) {
    const module = `m${n % MODULES}`;
    const c = `c${Math.floor(n / MODULES)}`;
    const path = `modules/${module}`;
    if (n % 2 === 0) files[`${path}/files/${c}.pp`] = 'policy';
    else if (n % 3 === 0) files[`${path}/templates/${c}.erb`] = `<%= @${c} %>\n`;
    else if (n % 3 === 1) files[`${path}/lib/facter/${c}.rb`] = `Facter.add(:${c}) { }\n`;
    else files[`${path}/manifests/${c}.pp`] = `# A class.\nclass ${module}::${c} { }\n`;
  }
  return files;
}

test('gates: of 2,000 generated files only those are checked that Puppet loads and that changed', async (t) => {
  const gates = await openGates(t);
  const files = generated();
  const progress: number[] = [];
  const onProgress = (done: number, total: number) => void progress.push(total - done);
  const look = async (given: Files) => {
    const { loaded, checked, problems } = await gates(given, { onProgress });
    return [loaded, checked, problems.length];
  };
  assert.deepEqual(await look(files), [1000, 1000, 0]);
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => b - a),
    'it never goes back',
  );
  assert.ok(progress.length === 1000 && (progress.at(-1) ?? 1000) < 10);
  assert.deepEqual(await look(files), [1000, 0, 0]);
  const path = 'modules/m17/manifests/c0.pp';
  assert.ok(path in files);
  const changed = { ...files, [path]: '# Changed.\nclass m17::c0 { }\n' };
  assert.deepEqual(await look(changed), [1000, 1, 0]);
  assert.deepEqual(await look(files), [1000, 0, 0], 'as another environment, or back again');
  const renamed = { ...files, 'modules/m17/manifests/c999.pp': files[path] ?? '' };
  assert.deepEqual(await look(renamed), [1001, 1, 1], 'the name of a class must fit its place');
  const broken = { ...files, [path]: 'class m17::c0 {\n', 'data/new.yaml': 'a: 1\n' };
  assert.deepEqual(await look(broken), [1001, 2, 1]);
  assert.deepEqual(await look(broken), [1001, 1, 1], 'what is wrong is checked again');
});

test('gates: dependencies are checked again when another module changes', async (t) => {
  const gates = await openGates(t);
  const files = {
    'modules/a/metadata.json':
      '{ "dependencies": [{ "name": "x-b", "version_requirement": "< 2.0.0" }] }',
    'modules/b/metadata.json': '{ "version": "1.0.0" }',
  };
  assert.equal((await gates(files)).problems.length, 0);
  assert.equal((await gates(files)).checked, 0);
  const newer = { ...files, 'modules/b/metadata.json': '{ "version": "2.0.0" }' };
  assert.deepEqual(
    (await gates(newer)).problems.map(({ path }) => path),
    ['modules/a/metadata.json'],
  );
});

test('gates: warnings are shown once for each content; --strict shows them again', async (t) => {
  const gates = await openGates(t);
  const files = { 'data/common.yaml': 'a: 1\na: 2\n' };
  assert.equal((await gates(files)).problems.length, 1);
  assert.equal((await gates(files)).problems.length, 0);
  assert.equal((await gates(files, { isStrict: true })).problems.length, 1);
  assert.equal((await gates(files, { isStrict: true })).problems.length, 1);
});

test('gates: without isKept nothing is remembered', async (t) => {
  const gates = await openGates(t);
  const files = { 'data/common.yaml': 'a: 1\n' };
  assert.equal((await gates(files, { isKept: false })).checked, 2);
  assert.equal((await gates(files, { isKept: false })).checked, 2);
});

const UNALIGNED = '# A class.\nclass m {\n  $a = "plain"\n}\n';

test('gates: puppet-lint warns about what changed, as .puppet-lint.rc selects it', async (t) => {
  const gates = await openGates(t);
  const found = async (files: Files) => {
    const { problems, tools } = await gates(files);
    assert.match(tools?.lint ?? '', /^\d/);
    return problems.map(({ level, path, line, column, message }) => {
      return [level, path, line, column, /\(puppet-lint (\w+)\)$/.exec(message)?.[1]];
    });
  };
  const path = 'modules/m/manifests/init.pp';
  assert.deepEqual(await found({ [path]: UNALIGNED }), [
    ['warning', path, 3, 8, 'double_quoted_strings'],
  ]);
  const rc = '.puppet-lint.rc';
  const off = { [path]: UNALIGNED, [rc]: '--no-double_quoted_strings-check\n' };
  assert.deepEqual(await found(off), []);
  const other = { [path]: UNALIGNED, [rc]: '# all\n--only-checks hard_tabs,trailing_whitespace\n' };
  assert.deepEqual(await found(other), []);
});

test('gates: modules of the Puppetfile are not linted, for others write them', async (t) => {
  const gates = await openGates(t);
  const { problems } = await gates({
    Puppetfile: "mod 'puppetlabs/m', '1.0.0'\nmod 'own', local: true\n",
    'modules/m/manifests/init.pp': UNALIGNED,
    'modules/own/manifests/init.pp': UNALIGNED.replace('class m', 'class own'),
  });
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['modules/own/manifests/init.pp'],
  );
});

test('gates: when very many manifests are new none is linted, which is said; --strict lints all', async (t) => {
  const gates = await openGates(t);
  const names = Array.from({ length: 60 }, (_, n) => `c${n}`);
  const files = Object.fromEntries(
    names.map((name) => {
      return [`modules/m/manifests/${name}.pp`, UNALIGNED.replace('class m', `class m::${name}`)];
    }),
  );
  const { problems, skipped } = await gates(files);
  assert.equal(problems.length, 0);
  assert.match(skipped.join(), /^not linted: 61 manifests: .*--strict/);
  const strict = await gates(files, { isStrict: true });
  assert.deepEqual([strict.problems.length, strict.skipped], [60, []]);
});

test('gates: the options of .puppet-lint.rc that would run or change something are not read', () => {
  const text = '--load /tmp/x.rb --fix\n--only-checks=a,b\n  --no-140chars-check --config x\n';
  assert.deepEqual(parseLintFile(text), { only: ['a', 'b'], disabled: ['140chars'] });
});

test('gates: a missing puppet-lint is said', async (t) => {
  const gates = await openGates(t);
  const library = await temporaryDirectory(t);
  await writeFile(join(library, 'puppet-lint.rb'), "raise LoadError, 'not installed'\n");
  const env = { ...process.env, RUBYLIB: library };
  const { skipped, tools, checked } = await gates({}, { env });
  assert.match(skipped.join(), /^puppet-lint is not installed/);
  assert.deepEqual([tools?.lint, checked], [null, 1]);
  assert.equal((await gates({})).checked, 0);
  assert.equal((await gates({}, { isStrict: true })).checked, 1, 'it was not linted before');
});

test('gates: a missing puppet is said', async (t) => {
  const gates = await openGates(t);
  const { skipped, checked, loaded } = await gates({}, { env: { PATH: '/nonexistent' } });
  const isPackaged = existsSync('/opt/puppetlabs/bin/puppet');
  assert.equal(/^no puppet in /.test(skipped.join()), !isPackaged);
  assert.deepEqual([loaded, checked], [1, isPackaged ? 1 : 0]);
});

test('gates: when Ruby crashes the file is named', async (t) => {
  const gates = await openGates(t);
  const code = `require 'psych'
    Psych.singleton_class.prepend(Module.new { def parse(*) Process.kill(:SEGV, $$); sleep; end })`;
  const env = await withFirst(t, code);
  await assert.rejects(gates({ 'data/common.yaml': 'a: 1\n' }, { env }), {
    code: 'PUPPET_FAILED',
    message: /ended with signal SIG(SEGV|ABRT) while it checked data\/common\.yaml/,
  });
});

test('gates: when one of several processes crashes the release is not good', async (t) => {
  const gates = await openGates(t);
  const code = `require 'psych'
    Psych.singleton_class.prepend(Module.new { def parse(*) Process.kill(:KILL, $$); sleep; end })`;
  const env = await withFirst(t, code);
  const some = Object.entries(generated()).slice(0, 500);
  const files = { ...Object.fromEntries(some), 'data/common.yaml': 'a: 1\n' };
  await assert.rejects(gates(files, { env }), {
    code: 'PUPPET_FAILED',
    message: /while it checked .*data\/common\.yaml/,
  });
});

/** The environment of a `puppet` whose Ruby runs other code first. */
async function withFirst(t: TestContext, code: string): Promise<NodeJS.ProcessEnv> {
  const directory = await temporaryDirectory(t);
  const { ruby } = findPuppet(process.env) ?? assert.fail('this test needs Puppet');
  // Not on PATH: the Ruby that it starts may be what `env ruby` finds.
  const wrapper = join(directory, 'wrapper/ruby');
  const words = [ruby.path, ...ruby.arguments, `-r${directory}/first.rb`].join(' ');
  await writeFile(join(directory, 'first.rb'), code);
  await mkdir(dirname(wrapper));
  await writeFile(wrapper, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  await writeFile(join(directory, 'puppet'), `#!${wrapper}\n`, { mode: 0o755 });
  return { ...process.env, PATH: `${directory}:${process.env['PATH']}` };
}
