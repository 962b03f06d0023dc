import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { shellWord } from '../../shared/shell-word.ts';
import { PROJECT, projectFiles } from '../support/project-files.ts';

test('shell word: a shell reads it as the text that it stands for', () => {
  const texts = [
    '/tmp/a.json',
    '/tmp/my dir/p.json',
    "it's",
    '$(id)',
    'a\nb',
    '*',
    '~',
    '',
    '"\\`',
  ];
  const script = `printf '%s\\0' ${texts.map(shellWord).join(' ')}`;
  const read = execFileSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.deepEqual(read.split('\0').slice(0, -1), texts);
  assert.equal(shellWord('/tmp/a.json'), '/tmp/a.json');
});

/** What is in a command line that a person copies is one word. */
const COMMANDS =
  /\b(?:git -C|ls(?: -ld?)?|rm|mv|(?<=next: `)file|df -[hi]|findmnt -T|openssl x509 -in|ch(?:mod|own) \S+|mm (?:root (?:sign|commit)|validate)|--(?:ref|replace-by)) \$\{(?!shellWord\()([^}]*)/g;
/** They have such words, and the address of an object, whose names have no other characters. */
const WORDS: ReadonlySet<string> = new Set(['word', 'option', 'url']);

test('shell word: no path in a command is printed as it is', () => {
  const found = projectFiles()
    .filter((file) => /^(agent|bucket|operator|shared|trust)\/.*\.ts$/.test(file))
    .flatMap((file) =>
      [...readFileSync(join(PROJECT, file), 'utf8').matchAll(COMMANDS)]
        .filter(([, name = '']) => !WORDS.has(name))
        .map(([text]) => `${file}: ${text}`),
    );
  assert.deepEqual(found, []);
});
