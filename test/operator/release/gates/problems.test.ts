import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { linesOf } from '../../../../operator/release/gates/problem.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { openGates } from './lab.ts';

/** Path, content, and what is found there: level, line, column, a part of the message. */
type Row = readonly [path: string, content: string | Buffer, ...found: readonly Expected[]];
type Expected = readonly ['error' | 'warning', number | null, number | null, RegExp];

const DATES = 'a: 2020-01-02\nb: "2020-01-02"\nc: 2020-01-02 10:00:00\nd: 2020-01-02-x\n';
const LEVELS = '  - name: x\n    path: common.yaml\n';
const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** Puppet 8 and OpenVox refuse what Puppet 7 warns of. */
const STRICT = execFileSync('puppet', ['config', 'print', 'strict'], { encoding: 'utf8' }).trim();
const lenient = STRICT === 'error' ? 'error' : 'warning';

const rows: Readonly<Record<string, Row>> = {
  'a manifest': [
    'manifests/site.pp',
    'node default {\n  notify { "ü" }\n}\n',
    ['error', 2, 16, /^Syntax error at '}'$/],
  ],
  'a manifest that ends too early': [
    'modules/m/manifests/early.pp',
    'class m::early {\n  if true {\n',
    ['error', 2, null, /Syntax error at end of input/],
  ],
  'a class in the place of another': [
    'modules/m/manifests/init.pp',
    'class other { }\n',
    ['error', 1, 1, /'other' is unacceptable in file 'modules\/m\/manifests\/init\.pp'/],
  ],
  'several mistakes in one manifest': [
    'modules/m/manifests/two.pp',
    'class m::two {\n  $a["x"] = 2\n}\nnotify { "x": }\n',
    ['error', 2, 3, /Not an assignable reference/],
    ['error', 4, 1, /unacceptable as a top level construct/],
  ],
  'a text with several unknown escape sequences': [
    'modules/m/manifests/escapes.pp',
    'class m::escapes {\n  $a = "a\\/b\\/c"\n}\n',
    ['warning', 2, 17, /Unrecognized escape sequence '\\\/'/],
  ],
  'a manifest with a byte order mark': [
    'modules/m/manifests/bom.pp',
    '\ufeffclass m::bom { }\n',
    ['error', null, null, /Illegal UTF-8 Byte Order mark/],
  ],
  'a manifest in latin1': [
    'modules/m/manifests/latin.pp',
    Buffer.from('class m::latin {\n  # gr\u00fc\u00dfe\n}\n', 'latin1'),
    ['error', 2, null, /^not valid UTF-8$/],
  ],
  'a manifest of nothing but brackets': [
    'modules/m/manifests/deep.pp',
    `$a = ${'['.repeat(100_000)}`,
    ['error', 1, null, /end of input/],
  ],
  'import in a manifest of the environment': [
    'manifests/nodes.pp',
    '# import "a"\nimport "nodes/*.pp"\n',
    ['error', 2, 1, /^Puppet refuses import/],
  ],
  'import in a class, which no host may have': [
    'modules/m/manifests/old.pp',
    "class m::old {\n  $a = 'import'\n  import 'x'\n}\n",
    ['warning', 3, 3, /^Puppet refuses import/],
  ],
  'a function of a module': [
    'modules/m/functions/f.pp',
    'function m::f($a) {\n  $a +\n}\n',
    ['error', 3, 1, /Syntax error at '}'/],
  ],
  'a type of the environment': [
    'types/port.pp',
    'type Environment::Port = Integer[1,\n',
    ['error', 1, null, /Syntax error at end of input/],
  ],
  'an EPP template': [
    'modules/m/templates/x.epp',
    '<%- | $a | -%>\n<%= $a %>\nüü <%= $a + %>\n',
    ['error', 3, 13, /^Syntax error at '%>'$/],
  ],
  'an ERB template': [
    'modules/m/templates/x.erb',
    'text\n<% if true %>\n<%= name( ) ) %>\n<% end %>\n',
    ['error', 3, 13, /unexpected '\)'/],
  ],
  'an ERB template without its end': [
    'modules/m/templates/y.erb',
    'text\n<% if true %>\n',
    ['error', 3, null, /end-of-input/],
  ],
  Ruby: [
    'modules/m/lib/puppet/functions/m/f.rb',
    'def a\n  ü = 1; ü )\nend\n',
    ['error', 2, 12, /unexpected '\)'/],
  ],
  'Ruby that only the compiler refuses': [
    'modules/m/lib/m/nil.rb',
    'a = 1\n  nil = 3\n',
    ['error', 2, 8, /Can't assign to nil/],
  ],
  'Ruby with an encoding that does not exist': [
    'modules/m/lib/m/encoding.rb',
    '# encoding: nonsense\n1\n',
    ['error', null, null, /nonsense/],
  ],
  'YAML data': [
    'data/common.yaml',
    'a: 1\n b: 2\n',
    ['error', 2, 3, /mapping values are not allowed/],
  ],
  'YAML with a key twice': [
    'data/twice.yaml',
    'a:\n  b: 1\n  "b": 2\nc: &x { d: 1 }\ne: { <<: *x, <<: *x }\n',
    ['warning', 3, 3, /the key b is twice in one map, also in line 2/],
  ],
  'YAML with dates, which Puppet refuses': [
    'data/dates.yaml',
    DATES,
    ['error', 1, 4, /2020-01-02 is read as a date/],
    ['error', 3, 4, /is read as a date/],
  ],
  'YAML with Ruby objects': [
    'data/object.yaml',
    'a: !ruby/object:Gem::Installer {}\nb: !ruby/sym x\nc: !own x\n',
    ['error', 1, 4, /the tag !ruby\/object:Gem::Installer/],
  ],
  'YAML with an alias to nothing': [
    'data/alias.yaml',
    'a: *nothing\n',
    ['error', 1, 4, /the alias \*nothing/],
  ],
  'YAML that is a list': [
    'data/list.yaml',
    '- 1\n',
    ['warning', 1, 1, /not a map of keys and values/],
  ],
  'JSON data': [
    'data/common.json',
    '{\n  "a": 1,\n  "ü": [1, 2,]\n}\n',
    ['error', 3, 14, /wanted a value, found \]/],
  ],
  'JSON without a comma': [
    'data/comma.json',
    '{\n  "a": {"b": 1}\n  "c": 2\n}\n',
    ['error', 3, 3, /wanted "," or "}", found "c":/],
  ],
  'JSON that ends too early': [
    'data/early.json',
    '{ "a": 1\n',
    ['error', 2, 1, /wanted "," or "}", found the end/],
  ],
  'JSON that is nested too deeply for Ruby': [
    'data/deep.json',
    lists(200),
    ['error', null, null, /nesting of 101 is too deep/],
  ],
  'hiera.yaml of version 3': [
    'hiera.yaml',
    '---\n:backends:\n  - yaml\n:hierarchy:\n  - common\n',
    ['error', 1, 1, /wanted "version: 5", found version 3;.* puppet\.hiera_config/],
  ],
  'hiera.yaml with a key that Puppet does not know': [
    'modules/m/hiera.yaml',
    '---\nversion: 5\nhierarchy:\n  - name: x\n    pathz: common.yaml\n',
    ['error', 5, null, /at 'modules\/m\/hiera\.yaml' has wrong type.* unrecognized key 'pathz'/],
  ],
  'hiera.yaml with what only the global one may have': [
    'modules/n/hiera.yaml',
    `---\nversion: 5\nhierarchy:\n${LEVELS}  - name: y\n    hiera3_backend: yaml\n`,
    ['error', 7, null, /'hiera3_backend' is only allowed in the global layer/],
  ],
  'metadata.json that is not JSON': [
    'modules/broken/metadata.json',
    '{ "name": }\n',
    [lenient, 1, 11, /wanted a value/],
  ],
  'dependencies of a module': [
    'modules/needy/metadata.json',
    `{ "dependencies": [
      { "name": "puppetlabs/stdlib", "version_requirement": ">= 4.0.0 < 9.0.0" },
      { "name": "puppetlabs-concat" },
      { "name": "puppetlabs-cron_core", "version_requirement": ">= 1.0.0" },
      { "name": "puppetlabs-apt", "version_requirement": ">= 9.0.0 < 10.0.0" },
      { "name": "acme-local" }
    ] }`,
    ['warning', 2, null, /stdlib >= 4\.0\.0 < 9\.0\.0, and the release has 9\.1\.0/],
    ['warning', 3, null, /puppetlabs-concat >= 0\.0\.0, which is not in the release/],
  ],
};

const GOOD = {
  'environment.conf': 'modulepath = modules\n',
  'modules/stdlib/metadata.json': '{ "name": "puppetlabs-stdlib", "version": "9.1.0" }',
  'modules/apt/metadata.json': '{ "name": "puppetlabs-apt", "version": "9.4.0" }',
  'modules/local/manifests/init.pp': '# A class.\nclass local { }\n',
  'modules/m/manifests/good.pp': '# A class.\nclass m::good { }\n',
  'modules/m/templates/good.erb': '<% if @a -%>\n<%= @b %>\n<% end -%>\n',
  'data/empty.yaml': '# nothing yet\n',
  'data/secrets.eyaml': '---\na: >\n  ENC[PKCS7,MIIBe\n  wYJ]\n',
};

test('gates: every problem is found at once, with its line and column', async (t) => {
  const gates = await openGates(t);
  const files = Object.fromEntries(Object.values(rows).map(([path, content]) => [path, content]));
  const { problems } = await gates({ ...GOOD, ...files });
  for (const [name, [path, , ...found]] of Object.entries(rows)) {
    await t.test(`gates: ${name}`, () => {
      const there = problems.filter((each) => each.path === path);
      assert.deepEqual(
        there.map(({ level, line, column }) => [level, line, column]),
        found.map(([level, line, column]) => [level, line, column]),
        JSON.stringify(there, null, 1),
      );
      for (const [index, [, , , message]] of found.entries()) {
        assert.match(there[index]?.message ?? '', message);
      }
    });
  }
  const expected = new Set(Object.values(rows).map(([path]) => path));
  assert.deepEqual(
    problems.filter(({ path }) => !expected.has(path)),
    [],
  );
  const levels = problems.map(({ level }) => level);
  assert.deepEqual(levels, levels.toSorted(), 'errors come first');
});

test('gates: the source is shown with a caret below the place', async (t) => {
  const gates = await openGates(t);
  const { problems } = await gates({
    'manifests/site.pp': `node default {\n\tnotify { "a" }\n}\n`,
    'functions/long.pp': `function environment::long() { '${'x'.repeat(200)}\u001b[2J\u200b' ) }\n`,
  });
  const [long, site] = problems.map(linesOf);
  assert.deepEqual(site, [
    "manifests/site.pp:2:15: Syntax error at '}'",
    '  notify { "a" }',
    '               ^',
  ]);
  const [first = '', source = '', caret = ''] = long ?? [];
  assert.equal(first, "functions/long.pp:1:240: Syntax error at ')'");
  assert.match(source, /^ {2}x+ \[2J' \) \}$/);
  assert.equal(source[caret.indexOf('^')], ')');
});

test('gates: Ruby of a release is never run', async (t) => {
  const gates = await openGates(t);
  const trace = join(await temporaryDirectory(t), 'trace');
  const code = `File.write(${JSON.stringify(trace)}, 'run')`;
  const { problems } = await gates({
    'modules/m/lib/begin.rb': `BEGIN { ${code} }\nEND { ${code} }\n${code}\n__END__\n)(\n`,
    'modules/m/lib/facter/f.rb': `#!/usr/bin/env -S ruby -r./x\nat_exit { ${code} }\n`,
    'modules/m/templates/x.erb': `<% BEGIN { ${code} } %>\n<%= ${code} %>\n<%# coding: utf-8 %>\n`,
    'modules/m/templates/x.epp': `<%= generate("/usr/bin/touch", "${trace}") %>\n`,
    'manifests/site.pp': `generate('/usr/bin/touch', '${trace}')\n`,
    'data/x.yaml': `a: !ruby/object:Gem::Requirement\n  requirements: x\n`,
    'modules/m/metadata.json': `{ "json_class": "File", "name": "m-m" }`,
    '.puppet-lint.rc': `--load ${trace}.rb\n`,
    'spec/spec_helper.rb': code,
  });
  await assert.rejects(access(trace), { code: 'ENOENT' });
  assert.deepEqual(
    problems.filter(({ level }) => level === 'error').map(({ path }) => path),
    ['data/x.yaml'],
  );
});

test('gates: aliases of aliases cost nothing', async (t) => {
  const gates = await openGates(t);
  const bomb = ['a0: &a0 [x]'];
  for (let n = 1; n < 40; n += 1) {
    bomb.push(`a${n}: &a${n} [${`*a${n - 1},`.repeat(9)}*a${n - 1}]`);
  }
  const asKey = `${bomb.join('\n')}\n? *a39\n: 1\n`;
  const { problems } = await gates({ 'data/bomb.yaml': asKey, 'hiera.yaml': asKey });
  assert.deepEqual(
    problems.map(({ path, message }) => [path, message]),
    [['hiera.yaml', 'a key is not text']],
  );
});

test('gates: a file that is too large is said and not read', async (t) => {
  const gates = await openGates(t);
  const { problems, checked } = await gates({ 'data/large.json': Buffer.alloc(9 * 1024 ** 2, 32) });
  assert.equal(checked, 1);
  assert.deepEqual(
    problems.map(({ level, path }) => [level, path]),
    [['warning', 'data/large.json']],
  );
});
