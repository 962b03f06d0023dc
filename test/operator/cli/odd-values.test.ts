import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../operator/answers.ts';
import {
  type CommandNode,
  commandTree,
  flatten,
} from '../../../operator/cli/completion/command-tree.ts';
import { NO_OUTPUT } from '../../../operator/cli/output.ts';
import { buildProgram } from '../../../operator/cli/program.ts';
import type { Context } from '../../../operator/context.ts';
import { sampleOf } from '../../support/soak.ts';
import { initialized, type OperatorLab } from '../operator-lab.ts';

/*
 * No input of a user ends in the words for a defect of mm. The command lines are made from the
 * commands themselves, so a new option is tried without a change here.
 */

const ODD = [
  ...['', ' ', '-1', '0', '1e9', '99999999999999999999', '💥', 'ä', '\u202e', '\ud800', 'x\ny'],
  ...['directory', 'missing', 'missing/missing', 'binary', 'empty', 'object.json', 'list.json'],
  ...['__proto__', 'constructor', '=', 'stable=', '=main', 'a=b', '*', 'dev_*', '%', '5% 1h, '],
  ...['{}', '[', '..', '/', '/dev/null', 'HEAD:x', 'a..b', 'https://', 'x'.repeat(3000)],
];
const ODD_PLACES = [
  '',
  ' ',
  '1',
  '/',
  '/dev/null',
  'directory',
  'missing/missing',
  'binary',
  'empty',
];
/** Options that every command has are tried on this command only. */
const COMMON_ON = 'mm promote';
const COMMON = ['--config', '--tree', '--keys', '--passphrase-file', '--passphrase-fd'];
/** An endpoint is a name that would be looked up, and some regions are names of real hosts. */
const NOT_TRIED = ['--endpoint', '--region'];

/** Sound values, so that the odd one is all that is wrong. */
const OPERANDS: Readonly<Record<string, string>> = {
  environment: 'stable',
  from: 'stable',
  to: 'testing',
  before: 'stable',
  after: 'main',
  name: 'qa',
  key: 'operator',
  shell: 'bash',
};

const nodes = flatten(commandTree(buildProgram({} as Context, NO_OUTPUT))).filter(
  ({ commands }) => commands.length === 0,
);

/** Each operand gets two of the odd values and each option one; all values come in turn. */
function* commandLines(): Generator<readonly string[]> {
  let turn = 0;
  const next = () => ODD[turn++ % ODD.length] ?? '';
  for (const { path, operands, options } of nodes) {
    const words = path.split(' ').slice(1);
    const sound = operands
      .filter(({ shown }) => shown.startsWith('<'))
      .map(({ shown }) => OPERANDS[shown.replaceAll(/[<>.]/g, '')] ?? 'missing');
    const names = options.flatMap((option) => option.names);
    const switches = ['--noop', '--no-validate'].filter((name) => names.includes(name));
    const reason = names.includes('--reason') ? ['--reason', 'x'] : [];
    const rest = [...switches, ...reason, '--json'];
    for (const index of operands.keys()) {
      for (const odd of [next(), next()])
        yield [...words, ...rest, '--', ...sound.toSpliced(index, 1, odd)];
    }
    for (const { names: flags, value } of options) {
      const name = flags.at(-1) ?? '';
      if (NOT_TRIED.includes(name) || name === '--help') continue;
      if (value === undefined) yield [...words, ...sound, ...rest, name, name];
      else if (path === COMMON_ON && COMMON.includes(name)) {
        for (const odd of ODD_PLACES) yield [...words, ...sound, ...rest, `${name}=${odd}`];
      } else if (!COMMON.includes(name)) {
        yield [...words, ...sound, ...rest, `${name}=${next()}`];
      }
    }
  }
}

test('odd values: every command answers, or says what was wanted and what to do', async (t) => {
  const lab = await initialized(t);
  await makeOddFiles(lab);
  let count = 0;
  for (const args of sampleOf(commandLines(), 4)) {
    const { exitCode, json, stdout, stderr } = await lab.mm(args);
    const line = `mm ${args.join(' ').slice(0, 200)}\n${stderr.slice(0, 2000)}`;
    assert.doesNotMatch(stderr, /a defect of mm/, line);
    assert.ok([0, 1, 2].includes(exitCode), line);
    if (exitCode === 0) assert.notEqual(stdout, '', line);
    // `mm doctor` and others answer with exit code 1 when they found a problem.
    else if (json?.error !== undefined || json === undefined) {
      const { error } = ErrorAnswer.parse(json, { error: () => line });
      assert.notEqual(error.code, null, line);
      assert.notEqual(error.next, null, line);
    }
    count += 1;
  }
  assert.ok(count > 50, `${count} command lines`);
});

async function makeOddFiles({ repository }: OperatorLab): Promise<void> {
  await mkdir(join(repository, 'directory'));
  await writeFile(join(repository, 'binary'), Buffer.from([0, 255, 254, 10, 0, 1]));
  await writeFile(join(repository, 'empty'), '');
  await writeFile(join(repository, 'object.json'), '{}');
  await writeFile(join(repository, 'list.json'), '[null]');
}

test('odd values: all commands are tried', () => {
  const tried = new Set([...commandLines()].map((args) => `mm ${args.join(' ')}`));
  const isTried = ({ path }: CommandNode) => [...tried].some((line) => line.startsWith(path));
  assert.deepEqual(
    nodes.filter((node) => !isTried(node)),
    [],
  );
});

const CONFIG =
  'bucket: fleet\ntrees: { ubuntu: { id: a, environments: { stable: { ref: main } } } }\n';
const ODD_FILES: Readonly<Record<string, string | Buffer>> = {
  nothing: '',
  'a number': '42',
  'a list': '- a',
  'no YAML': 'a: [',
  'a tab as indentation': '\tbucket: fleet\n',
  'indentation that was lost': CONFIG.replaceAll(/^ +/gm, '').replace('{', '\n'),
  'other bytes than UTF-8': Buffer.from([0xff, 0xfe, 0]),
  'a zero byte in a path': `${CONFIG}keys: "a\\0b"\n`,
  'a zero byte in a command': `${CONFIG}publish: { modules: { command: ["a\\0b"] } }\n`,
  'an alias': `${CONFIG}keys: &a x\nstate: *a\n`,
  'two documents': `${CONFIG}---\n${CONFIG}`,
  'an unknown key': `${CONFIG}kyes: x\n`,
};

test('odd values: a miyamoto.yaml that is wrong is named, with its line or what it should be', async (t) => {
  const lab = await initialized(t);
  for (const [what, content] of Object.entries(ODD_FILES)) {
    await writeFile(join(lab.repository, 'miyamoto.yaml'), content);
    const { json, stderr } = await lab.mm(['publish', 'stable', '--json']);
    const { error } = ErrorAnswer.parse(json, { error: () => `${what}: ${stderr}` });
    assert.equal(error.code, 'CONFIG_INVALID', what);
    assert.match(error.message, /miyamoto\.yaml/, what);
    assert.notEqual(error.next, null, what);
  }
});
