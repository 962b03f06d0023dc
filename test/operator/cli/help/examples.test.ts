import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { EXAMPLES } from '../../../../operator/cli/help/examples.ts';
import { NO_OUTPUT } from '../../../../operator/cli/output.ts';
import { buildProgram } from '../../../../operator/cli/program.ts';
import type { Context } from '../../../../operator/context.ts';

/** Every command and group of commands, with its whole name. */
function all(command: Command, path = command.name()): [path: string, command: Command][] {
  const more = command.commands.flatMap((each) => all(each, `${path} ${each.name()}`));
  return [[path, command], ...more];
}

/** The commands that do something, with their whole names. */
const leaves = (program: Command) =>
  all(program).filter(([, { commands }]) => commands.length === 0);

/** The words of a command line as a shell passes them on, without a redirection or a comment. */
function words(line: string): string[] {
  const [command = ''] = line.split(/ +[>#] /);
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  );
}

/** The examples in the help of each command. */
function shown(): [path: string, lines: readonly string[]][] {
  let help = '';
  const program = buildProgram({} as Context, { ...NO_OUTPUT, out: (text) => (help += text) });
  return all(program).map(([path, command]) => {
    help = '';
    command.outputHelp();
    const [, examples = ''] = help.split(/^Examples?\b.*:$/m);
    const lines = examples.matchAll(/^ {2}(?:sudo |[A-Z_]+=\S+ )*(mm .*)$/gm);
    return [path, [...lines].map(([, line = '']) => line)];
  });
}

test('examples: the help of every command and group has one', () => {
  const without = shown().filter(([, lines]) => lines.length === 0);
  const names = without.map(([path]) => path);
  assert.deepEqual(names, HOOK, 'add one to EXAMPLES in operator/cli/help/examples.ts');
});

/** Its example is a hook of git that runs it. */
const HOOK = ['mm validate'];

test('examples: mm accepts each of them, and runs the command whose help shows it', async () => {
  for (const [path, lines] of [...shown(), ...Object.entries(EXAMPLES)]) {
    for (const line of lines) {
      const program = buildProgram({} as Context, NO_OUTPUT);
      const ran: string[] = [];
      for (const [name, command] of leaves(program)) command.action(() => void ran.push(name));
      const [mm, ...args] = words(line);
      assert.equal(mm, 'mm', line);
      await program.parseAsync(args, { from: 'user' });
      assert.equal(ran.length, 1, line);
      assert.ok(ran[0]?.startsWith(path), `${line} ran ${ran[0]}`);
    }
  }
});

test('examples: no two commands write a key, a public key and a proposal to the same name', () => {
  const outs = Object.entries(EXAMPLES).flatMap(([path, lines]) =>
    lines.flatMap(
      (line) =>
        /--out (\S+)/
          .exec(line)
          ?.slice(1)
          .map((file) => ({ path, file })) ?? [],
    ),
  );
  assert.ok(outs.length > 0);
  for (const { path, file } of outs) {
    assert.match(file, path === 'mm key export' ? /\.pub\.json$/ : /\.proposal\.json$/);
  }
});

test('examples: the help of a command ends with them', () => {
  let help = '';
  const program = buildProgram({} as Context, { ...NO_OUTPUT, out: (text) => (help += text) });
  const hold = program.commands.find((each) => each.name() === 'hold');
  hold?.outputHelp();
  assert.ok(help.endsWith('Example:\n  mm hold stable --reason "weekend"\n'), help);
});
