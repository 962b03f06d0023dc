import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import {
  CATALOG_OPTIONS,
  COMMAND_GROUPS,
  COMMON_OPTIONS,
  KEY_OPTIONS,
} from '../../../../operator/cli/help/help-groups.ts';
import { NO_OUTPUT } from '../../../../operator/cli/output.ts';
import { buildProgram } from '../../../../operator/cli/program.ts';
import type { Context } from '../../../../operator/context.ts';

const program = buildProgram({} as Context, NO_OUTPUT);

/** The headings of a help text, in its order. */
function headings(command: Command): string[] {
  return [...command.helpInformation().matchAll(/^(\S.*:)$/gm)].map(([, line = '']) => line);
}

test('help: every command is below the heading of what it is for', () => {
  const grouped = new Set(Object.values(COMMAND_GROUPS).flat());
  const missing = program.commands.map((each) => each.name()).filter((name) => !grouped.has(name));
  assert.deepEqual(missing, [], 'add them to COMMAND_GROUPS in operator/cli/help/help-groups.ts');
  assert.deepEqual(headings(program), ['Options:', ...Object.keys(COMMAND_GROUPS), 'Others:']);
});

test('help: the options of the command itself come first', () => {
  const of = (name: string) => program.commands.find((each) => each.name() === name) ?? program;
  const own = ['Options:', CATALOG_OPTIONS];
  assert.deepEqual(headings(of('publish')), [...own, KEY_OPTIONS, COMMON_OPTIONS]);
  assert.deepEqual(headings(of('diff')), [...own, COMMON_OPTIONS]);
  assert.match(of('hold').helpInformation(), /--reason <text> .*;\s+required\n/);
  const names = of('hold').options.map(({ long }) => long);
  assert.deepEqual(names.slice(0, 3), ['--reason', '--out', '--noop']);
});
