import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HELP } from '../../../agent/help.ts';
import { SHELLS } from '../../../operator/cli/completion.ts';
import { agentCommands } from '../../../packaging/linux/agent-commands.ts';
import { offered } from '../../support/bash-completion.ts';

const tree = agentCommands();

test('commands of mm-agent: each command and option of the help, with its description', () => {
  const [usage = '', rest = ''] = HELP.split(/\n\n(?=With )/);
  const commands = [...usage.matchAll(/^mm-agent ([a-z][\w-]*)/gm)].map(([, name]) => name);
  assert.deepEqual(
    tree.commands.map(({ path }) => path.replace('mm-agent ', '')).toSorted(),
    commands.toSorted(),
  );
  const options = new Set([tree, ...tree.commands].flatMap(({ options }) => options));
  const names = new Set([...options].flatMap((option) => option.names));
  const [listed = ''] = rest.split('\n\nExamples:');
  for (const [name] of `${usage}${listed}`.matchAll(/(?<=\s)--[a-z][\w-]*/g)) {
    assert.ok(names.has(name) || name === '--no-noop', name);
  }
  const status = tree.commands.find(({ path }) => path === 'mm-agent status');
  assert.match(status?.description ?? '', /^show what this host last did/);
});

const TYPED: Record<string, { words: string[]; want: string[] }> = {
  'a command': { words: ['mm-agent', 'di'], want: ['diff', 'disable'] },
  'an option of a command': { words: ['mm-agent', 'doctor', '--b'], want: ['--bundle'] },
  'no option that has no effect': { words: ['mm-agent', 'run', '--tags'], want: [] },
  'an option without a command': {
    words: ['mm-agent', '--once', '--unt'],
    want: ['--until-converged'],
  },
};
for (const [name, { words, want }] of Object.entries(TYPED)) {
  test(`completion of mm-agent in bash: ${name}`, async (t) => {
    assert.deepEqual(await offered(t, SHELLS.bash(tree), ...words), want);
  });
}
