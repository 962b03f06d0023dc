import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { writeRubyCopy } from '../../../../../agent/io/puppet/ruby/ruby-copy.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

/** Facter's facts about Augeas, in JSON, with or without our Ruby among the custom facts. */
async function augeasFact(
  t: TestContext,
  { withOurs, library = '' }: { readonly withOurs: boolean; readonly library?: string },
): Promise<unknown> {
  const directory = await temporaryDirectory(t);
  const [ours, augeas] = [join(directory, 'facter'), join(directory, 'lib')];
  await mkdir(ours);
  await mkdir(augeas);
  if (withOurs) writeRubyCopy(join(ours, 'ours.rb'), 'augeas_version.rb');
  if (library !== '') await writeFile(join(augeas, 'augeas.rb'), library);
  // As if augparse were not installed: with augparse, Facter does not need the library.
  const script = `Facter::Core::Execution.singleton_class.prepend(Module.new do
      def execute(command, *)
        command.start_with?('augparse') ? '' : super
      end
    end)
    require 'json'
    print JSON.generate(Facter.to_hash['augeas'])`;
  const { stdout } = await promisify(execFile)(
    '/usr/bin/ruby',
    ['-rfacter', '-e', `Facter.search('${ours}');${script}`],
    { env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: directory, RUBYLIB: augeas } },
  );
  return JSON.parse(stdout.split('\n').at(-1) ?? ''); // the other lines are Facter's complaints
}

/** A library that records how it was called. */
const TELLING = `class Augeas
  NO_MODL_AUTOLOAD = 64
  def self.open(_root = nil, _path = nil, flags = 0)
    yield new(flags)
  end

  def initialize(flags)
    @flags = flags
  end

  def get(_path)
    "flags #{@flags}"
  end
end
`;

suite('facter: the version of Augeas', () => {
  test('is the same as without our code', async (t) => {
    const bare = await augeasFact(t, { withOurs: false });
    assert.match((bare as { version: string }).version, /^\d+\.\d+/);
    assert.deepEqual(await augeasFact(t, { withOurs: true }), bare);
  });

  test('is requested without a lens', async (t) => {
    const asked = await augeasFact(t, { withOurs: true, library: TELLING });
    assert.deepEqual(asked, { version: 'flags 64' });
  });

  test("is requested in Facter's own way when it is the gem of that name", async (t) => {
    const gem = `Gem.loaded_specs['augeas'] = true
class Augeas
  def self.create
    yield self
  end
  def self.get(_path)
    'created'
  end
end
`;
    const asked = await augeasFact(t, { withOurs: true, library: gem + TELLING });
    assert.deepEqual(asked, { version: 'created' });
  });

  test("is found in Facter's own way when the library is another one", async (t) => {
    const library = TELLING.replace('NO_MODL_AUTOLOAD', 'OTHER');
    const asked = await augeasFact(t, { withOurs: true, library });
    assert.deepEqual(asked, { version: 'flags 0' });
  });
});
