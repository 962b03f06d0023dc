import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command, Option } from 'commander';
import { commandTree, flatten } from '../../../operator/cli/completion/command-tree.ts';
import { SHELLS } from '../../../operator/cli/completion.ts';
import { NO_OUTPUT } from '../../../operator/cli/output.ts';
import { buildProgram } from '../../../operator/cli/program.ts';
import { run } from '../../../operator/cli/run.ts';
import type { Context } from '../../../operator/context.ts';
import { offered } from '../../support/bash-completion.ts';
import { initialized } from '../operator-lab.ts';

const tree = commandTree(buildProgram({} as Context, NO_OUTPUT));

const TYPED: Record<string, { words: string[]; want: string[] }> = {
  'a command': { words: ['mm', 'pub'], want: ['publish'] },
  'a command below another': { words: ['mm', 'key', 're'], want: ['revoke'] },
  'commands of one group only': { words: ['mm', 'root', ''], want: ['sign', 'commit'] },
  'an option': {
    words: ['mm', 'publish', 'stable', '--passphrase-f'],
    want: ['--passphrase-file', '--passphrase-fd'],
  },
  'no option of another command': { words: ['mm', 'releases', '--passphrase'], want: [] },
  'nothing for a value without fixed choices': { words: ['mm', 'publish', '--ref', ''], want: [] },
  'nothing for a value after =': { words: ['mm', 'publish', '--ref', '=', 'm'], want: [] },
  'a file: left to bash': { words: ['mm', 'publish', '--out', ''], want: [] },
  'an argument with few values': { words: ['mm', 'completion', ''], want: ['bash', 'zsh', 'fish'] },
  'the value of an option is no command': {
    words: ['mm', 'key', 'rotate', '--role', 'root', '--thr'],
    want: ['--threshold'],
  },
};
for (const [name, { words, want }] of Object.entries(TYPED)) {
  test(`completion in bash: ${name}`, async (t) => {
    assert.deepEqual(await offered(t, SHELLS.bash(tree), ...words), want);
  });
}

test('completion: each script has every command and every option', () => {
  const nodes = flatten(tree);
  assert.ok(nodes.length > 15);
  for (const [shell, make] of Object.entries(SHELLS)) {
    const script = make(tree);
    for (const { path, options } of nodes) {
      assert.ok(script.includes(path), `${shell}: ${path}`);
      for (const { names } of options) {
        const long = names.at(-1)?.slice(2) ?? '';
        assert.match(script, new RegExp(`(--|-l )${long}\\b`), `${shell}: ${path} --${long}`);
      }
    }
  }
});

test('completion: the names of environments come from miyamoto.yaml, without a request', async (t) => {
  const lab = await initialized(t);
  const before = lab.server.requests.length;
  for (const shell of Object.keys(SHELLS)) {
    const { stdout } = await lab.mm(['completion', shell, '--environments']);
    assert.equal(stdout, 'stable\ntesting\n');
  }
  assert.equal(lab.server.requests.length, before);
  const fake = 'mm() { [ "$*" = \'completion bash --environments\' ] && echo stable testing; }\n';
  const script = fake + SHELLS.bash(tree);
  assert.deepEqual(await offered(t, script, 'mm', 'hold', ''), ['stable', 'testing']);
  assert.deepEqual(await offered(t, script, 'mm', 'promote', 'stable', 'te'), ['testing']);
  assert.deepEqual(await offered(t, script, 'mm', 'rollout', 'start', '--from', ''), [
    'stable',
    'testing',
  ]);
});

test('completion: a new command, option and choice are offered without any other change', async (t) => {
  const program = new Command('mm');
  program
    .command('brew')
    .description('it\'s [hot]: $(mind) `it` \\ "so"')
    .addOption(new Option('--milk <kind>', "a cow's").choices(['oat', 'cow']))
    .option('-s, --sugar', 'sweet');
  const grown = commandTree(program);
  assert.deepEqual(await offered(t, SHELLS.bash(grown), 'mm', 'b'), ['brew']);
  assert.deepEqual(await offered(t, SHELLS.bash(grown), 'mm', 'brew', '--s'), ['--sugar']);
  assert.match(SHELLS.zsh(grown), /'brew:it'\\''s \[hot\]\\: /);
  assert.match(SHELLS.zsh(grown), /'\*--milk\[a cow'\\''s\]:kind:\(oat cow\)'/);
  assert.match(SHELLS.fish(grown), /-l milk -r -f -a 'oat cow' -d 'a cow\\'s'/);
  assert.match(SHELLS.fish(grown), / -s s -l sugar -d 'sweet'/);
});

test('completion: mm prints the script of a shell, and refuses another one', async () => {
  let out = '';
  const streams = { out: (text: string) => (out += text), err: () => undefined };
  assert.equal(await run(['completion', 'bash'], {} as Context, streams), 0);
  assert.equal(out, SHELLS.bash(tree));
  assert.equal(await run(['completion', 'tcsh'], {} as Context, streams), 2);
});
