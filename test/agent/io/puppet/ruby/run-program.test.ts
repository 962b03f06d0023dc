import assert from 'node:assert/strict';
import { mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../../../../../agent/io/puppet/ruby/run-program.ts';
import { type Program, rubyScript } from '../../../../../shared/program/ruby-script.ts';
import { puppetPlace } from '../../../../support/puppet-run.ts';
import { names, temporaryDirectory } from '../../../../support/temporary-directory.ts';

const OPTIONS = ['--disable=gems', '-rfirst.rb'];

const cases: Record<
  string,
  { readonly text: string; readonly want: readonly string[] | undefined }
> = {
  "Debian's": { text: '#!/usr/bin/ruby\n', want: ['/usr/bin/ruby', ...OPTIONS, 'PUPPET'] },
  'a version of Ruby': {
    text: '#! /usr/bin/ruby3.1 \n',
    want: ['/usr/bin/ruby3.1', ...OPTIONS, 'PUPPET'],
  },
  'by env': { text: '#!/usr/bin/env ruby\n', want: ['/usr/bin/env', 'ruby', ...OPTIONS, 'PUPPET'] },
  'with its own options': { text: '#!/usr/bin/ruby -w\n', want: undefined },
  'by env with options': { text: '#!/usr/bin/env -S ruby -w\n', want: undefined },
  'a shell script': { text: '#!/bin/sh\nexec ruby\n', want: undefined },
  'another Ruby': { text: '#!/usr/bin/jruby\n', want: undefined },
  'a binary': { text: '\u007fELF\u0000\n#!/usr/bin/ruby\n', want: undefined },
  'an endless first line': { text: `#!/usr/bin/ruby${' '.repeat(1000)}\n`, want: undefined },
  nothing: { text: '', want: undefined },
};
for (const [name, { text, want }] of Object.entries(cases)) {
  test(`ruby program: ${name}`, async (t) => {
    const puppet = join(await temporaryDirectory(t), 'puppet');
    await writeFile(puppet, text);
    const program = rubyScript(puppet, OPTIONS);
    assert.deepEqual(
      program && [program.path, ...program.arguments],
      want?.map((word) => (word === 'PUPPET' ? puppet : word)),
    );
  });
}

test("ruby program: the wrapper in Puppet's own packages is left out", async (t) => {
  const root = await temporaryDirectory(t);
  const inner = join(root, 'puppet/bin/puppet');
  const wrapper = join(root, 'puppet/bin/wrapper.sh');
  const outer = join(root, 'bin/puppet');
  await mkdir(dirname(inner), { recursive: true });
  await mkdir(dirname(outer));
  await writeFile(inner, '#!/opt/puppetlabs/puppet/bin/ruby\n');
  await writeFile(wrapper, '#!/bin/sh\nexec /opt/puppetlabs/puppet/bin/puppet "$@"\n');
  await symlink(wrapper, outer);
  assert.equal(await readlink(outer), wrapper);
  assert.deepEqual(rubyScript(outer, OPTIONS), {
    path: '/opt/puppetlabs/puppet/bin/ruby',
    arguments: [...OPTIONS, inner],
  } satisfies Program);
});

test('ruby program: Puppet unchanged, when nothing must be loaded or it is not a Ruby script', async (t) => {
  const place = await puppetPlace(t);
  const script = join(place.directory, 'puppet');
  await writeFile(script, '#!/bin/sh\n');
  const request = place.request({ puppet: { path: script, version: '7.23.0' } });
  await mkdir(request.runDirectory, { recursive: true });
  const asItIs: Program = { path: script, arguments: [] };
  const rubyCache = { directory: join(place.directory, 'ruby-cache'), isEnabled: true };
  const facter = { ttl: {}, block: [], cacheDirectory: join(place.directory, 'fact-cache') };
  assert.deepEqual(runProgram(request, {}), asItIs);
  assert.deepEqual(runProgram(request, { facter }), asItIs);
  assert.deepEqual(runProgram(request, { rubyCache, facter }), asItIs);
  assert.equal(place.lines.length, 0);
  assert.ok((await names(place.directory)).includes('ruby-cache'));
  assert.deepEqual(runProgram(request, { rubyCache: { ...rubyCache, isEnabled: false } }), asItIs);
  assert.ok(!(await names(place.directory)).includes('ruby-cache'));
  assert.deepEqual(runProgram(request, { facter: { ...facter, block: ['dmi'] } }), asItIs);
  assert.match(place.lines[0]?.text ?? '', /facts\.block have no effect/);
});
