import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openGates } from './lab.ts';

/** A file of each kind. */
const placesOf = (module: string): readonly string[] => [
  `modules/${module}/manifests/x.pp`,
  `modules/${module}/templates/x.epp`,
  `modules/${module}/templates/x.erb`,
  `modules/${module}/lib/x.rb`,
  `modules/${module}/hiera.yaml`,
  `modules/${module}/metadata.json`,
  `data/${module}.yaml`,
  `data/${module}.json`,
];
const repeated = (text: string) => text.repeat(10_000);

const contents: Readonly<Record<string, string | Buffer>> = {
  empty: '',
  'line feeds': repeated('\n'),
  'a null byte': '\u0000',
  'all bytes': Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  'half a character': Buffer.from('class m::x { } # \u00fc').subarray(0, -1),
  'a byte order mark': '\ufeff{}',
  'UTF-16': Buffer.from('\ufeffa: 1\n', 'utf16le'),
  'line ends of old Macs': 'a: 1\r$a = 1\r',
  'open brackets': repeated('['),
  'open braces': repeated('{'),
  'open parentheses': repeated('('),
  'open tags': repeated('<%= '),
  'one long line': repeated('abc '),
  'nested keys': Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''),
  'nested keys in one line': repeated('? '),
  'many anchors': Array.from({ length: 5000 }, (_, n) => `- &a${n} x\n`).join(''),
  'many words of hiera.yaml': `${repeated('datadir')}\n${repeated('datadir: ')}`,
  'an end of Ruby': '__END__\n)(',
  'a list in JSON': '[]',
  'dependencies that are not objects':
    '{"dependencies": [1, null, {}, {"name": [1], "version_requirement": {}}]}',
  'a version that nobody can parse':
    '{"dependencies": [{"name": "m", "version_requirement": "~> x"}]}',
  'a version of hiera.yaml that is a list': 'version: [5]\n',
  'a heredoc without its end': '$a = @(END)\nx\n',
  'escape sequences': '\u001b]52;c;aGk=\u0007\u001b[2J',
  'a dummy encoding': '# encoding: utf-7\n1\n',
};

test('gates: any content in any kind of file is checked, and never a crash', async (t) => {
  const gates = await openGates(t);
  const files = Object.values(contents).flatMap((content, index) =>
    placesOf(`m${index}`).map((path) => [path, content] as const),
  );
  const { problems, checked } = await gates(Object.fromEntries(files));
  assert.equal(checked, files.length + 1, 'and manifests/site.pp');
  const paths = new Set(files.map(([path]) => path));
  for (const { path, message, source } of problems) {
    assert.ok(paths.has(path), path);
    assert.ok(message.length <= 500);
    assert.ok((source ?? '').length <= 120);
    assert.doesNotMatch(`${message}${source ?? ''}`, /\p{Cc}/u);
  }
});

test('gates: hostile settings in the root of a repository cost nothing', async (t) => {
  const gates = await openGates(t);
  for (const content of Object.values(contents)) {
    const names = ['.puppet-lint.rc', 'Puppetfile', 'environment.conf', 'hiera.yaml'];
    const files = names.map((path) => [path, content] as const);
    // Without Puppet: only what mm itself reads.
    await gates(Object.fromEntries(files), { env: { PATH: '/nonexistent' } });
  }
});
