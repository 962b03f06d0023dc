import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeRubyCopy } from '../../../../../agent/io/puppet/ruby/ruby-copy.ts';
import { type RubySource, rubySource } from '../../../../../agent/io/puppet/ruby/ruby-source.ts';
import { bundleProgram } from '../../../../../packaging/bundle.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

const ROOT = join(import.meta.dirname, '../../../../..');
const FOLDER = join(ROOT, 'agent/io/puppet/ruby');
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.rb')) as RubySource[];

function check(path: string): void {
  const { status, stdout, stderr } = spawnSync('ruby', ['-wc', path], { encoding: 'utf8' });
  assert.deepEqual([status, stdout, stderr], [0, 'Syntax OK\n', ''], path);
}

assert.equal(NAMES.length, 8);
for (const name of NAMES) {
  test(`ruby: ${name} has no mistake that ruby -wc finds`, () => check(join(FOLDER, name)));

  test(`ruby: ${name} is copied unchanged without constants`, async (t) => {
    const path = join(await temporaryDirectory(t), name);
    writeRubyCopy(path, name);
    assert.equal(readFileSync(path, 'utf8'), rubySource(name));
  });
}

test('ruby: constants are replaced by exactly their text', async (t) => {
  const path = join(await temporaryDirectory(t), 'copy.rb');
  const hostile = `a'b\\'c\\\\#{puts 1} "d" \u{fc}\n__END__`;
  writeRubyCopy(path, 'facts_json.rb', { name: 'Given', constants: { A: hostile, B: 'b' } });
  check(path);
  const script = 'load ARGV[0]; print Given::A, Given::B';
  const { stdout } = spawnSync('ruby', ['-e', script, path], {
    encoding: 'utf8',
    env: { ...process.env, LANG: 'C.UTF-8' },
  });
  assert.equal(stdout, `${hostile}b`);
});

test('ruby: the built agent contains the same texts', async (t) => {
  const request = { root: ROOT, program: 'x', entry: 'agent/io/puppet/ruby/ruby-source.ts' };
  const [part] = await bundleProgram({ ...request, plugins: [] });
  assert.ok(part !== undefined);
  const path = join(await temporaryDirectory(t), part.name);
  writeFileSync(path, part.contents);
  const built = (await import(path)) as { rubySource: typeof rubySource };
  for (const name of NAMES) assert.equal(built.rubySource(name), rubySource(name));
});
