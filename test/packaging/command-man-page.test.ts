import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { commandTree, flatten } from '../../operator/cli/completion/command-tree.ts';
import { NO_OUTPUT } from '../../operator/cli/output.ts';
import { buildProgram } from '../../operator/cli/program.ts';
import type { Context } from '../../operator/context.ts';
import { commandManPage } from '../../packaging/command-man-page.ts';

const RELEASE = { version: '1.2.3', date: '2026-11-23' };
const REQUESTS = /^\.(TH|SH|SS|TP|B|BR|I|RI)( |$)/;

test('manual page of mm: a section for each command, with all of its options', () => {
  const tree = commandTree(buildProgram({} as Context, NO_OUTPUT));
  const page = commandManPage(tree, RELEASE);
  assert.match(page, /^\.TH MM 1 2026-11-23 "Miyamoto 1\.2\.3"\n\.SH NAME\nmm \\- \S/);
  for (const { path, commands, options } of flatten(tree).filter(({ commands }) => !commands[0])) {
    assert.deepEqual(commands, []);
    const section = page.split('.SS ').find((text) => text.split('\n')[0]?.startsWith(path));
    for (const { names } of options) {
      const shown = `\\fB${names.at(-1)?.replaceAll('-', '\\-')}\\fR`;
      assert.ok(section?.includes(shown), `${path} ${shown}`);
    }
  }
  const lines = page.split('\n');
  assert.deepEqual(
    lines.filter((line) => /^[.']/.test(line) && !REQUESTS.test(line)),
    [],
  );
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
});

test('manual page of mm: the text of a command contains no troff request', () => {
  const program = new Command('mm').description("what's this");
  program.command('x').description(`.TH of \\n ${'word '.repeat(40)}'end`);
  const page = commandManPage(commandTree(program), RELEASE);
  assert.match(page, /^\\&\.TH of \\en word/m);
  assert.match(page, /'end$/m);
  assert.doesNotMatch(page, /^'/m);
});
