import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PublishAnswer } from '../../../../operator/answers.ts';
import { builtProgram } from '../../../support/built-program.ts';
import { openTerminal, type PseudoTerminal } from '../../../support/pseudo-terminal.ts';
import { sampleOf } from '../../../support/soak.ts';
import { BUCKET, type OperatorLab, openOperatorLab } from '../../operator-lab.ts';

/** On real terminals: the effect of a key depends on the settings of the terminal. */

const ROOT = join(import.meta.dirname, '../../../..');
const MM = await builtProgram('mm');
const TERMINALS = { xterm: 'xterm-256color', dumb: 'dumb', unset: undefined };

/** Runs shell commands and records the settings of the terminal before and after. */
function onTerminal(text: string, term: string | undefined, more: NodeJS.ProcessEnv = {}) {
  const { TERM: _ownTerminal, ...inherited } = process.env;
  const env = {
    ...inherited,
    ...more,
    LC_ALL: 'C.UTF-8',
    ...(term !== undefined && { TERM: term }),
  };
  const command = `echo settings=$(stty -g); ${text}; code=$?; echo settings=$(stty -g); exit $code`;
  return openTerminal(command, { env, cwd: ROOT });
}

function ask(questions: number, term: string | undefined): PseudoTerminal {
  return onTerminal(`'${process.execPath}' test/fixtures/ask-hidden.ts ${questions}`, term);
}

async function answers(terminal: PseudoTerminal): Promise<unknown> {
  assert.equal(await terminal.ended, 0, terminal.shown);
  assertRestored(terminal);
  return JSON.parse(/^answers=(.*)$/m.exec(terminal.shown)?.[1] ?? 'null');
}

function assertRestored({ shown }: PseudoTerminal): void {
  const [before, after, ...more] = [...shown.matchAll(/settings=(\S+)/g)].map(([, text]) => text);
  assert.ok(before, shown);
  assert.deepEqual([after, ...more], [before], shown);
}

/** Typed keys, and the resulting passphrase. */
const TYPED: Record<string, readonly [keys: string, wanted: string]> = {
  'Backspace deletes a character': ['sek\x7fcret\r', 'secret'],
  'Ctrl-H deletes a character': ['sek\bcret\r', 'secret'],
  'Backspace on an empty line does nothing': ['\x7f\x7fsecret\r', 'secret'],
  'Backspace deletes all bytes of a character': ['äß€😀\x7f\x7f\r', 'äß'],
  'characters of several bytes': ['pässwörd-日本-😀\r', 'pässwörd-日本-😀'],
  'Ctrl-U deletes the line': ['wrong one\x15secret\r', 'secret'],
  'Ctrl-W deletes a word': ['correct horse  \x17battery\r', 'correct battery'],
  'Ctrl-D after some text does nothing': ['sec\x04ret\r', 'secret'],
  'a line feed ends the line': ['secret\n', 'secret'],
  'blanks and tabs are part of it': ['  a\tb  \r', '  a\tb  '],
  'arrows, Home, F5 and Alt-F add nothing': ['\x1b[A\x1bOHsec\x1b[15~ret\x1bf\r', 'secret'],
  'a bracketed paste': ['\x1b[200~secret\x1b[201~\r', 'secret'],
  'other control characters add nothing': ['\x01sec\x1c\x00\x12ret\r', 'secret'],
};

for (const [name, term] of Object.entries(TERMINALS)) {
  test(`terminal: TERM ${name}: each key has its usual effect, and nothing is shown`, async () => {
    const rows = Object.entries(TYPED);
    const terminal = ask(rows.length, term);
    for (const [index, [, [keys]]] of rows.entries()) {
      await terminal.see(`Question ${index}: `);
      terminal.type(keys);
    }
    assert.deepEqual(
      await answers(terminal),
      rows.map(([, [, wanted]]) => wanted),
      rows.map(([what]) => what).join(', '),
    );
    const questions = rows.map((_row, index) => `Question ${index}: `);
    const shown = /(Question 0: .*)answers=/s.exec(terminal.shown)?.[1];
    assert.deepEqual(shown?.split(/\r?\n/), [...questions, '']);
  });
}

/** Input that arrives in one piece, for two questions. */
const PASTED: Record<string, string> = {
  'two lines': 'one\rtwo\r',
  'two lines with Unix line ends': 'one\ntwo\n',
  'two lines with Windows line ends': 'one\r\ntwo\r\n',
};
for (const [name, keys] of Object.entries(PASTED)) {
  test(`terminal: ${name} pasted at once answer two questions`, async () => {
    const terminal = ask(2, 'dumb');
    await terminal.see('Question 0: ');
    terminal.type(keys);
    assert.deepEqual(await answers(terminal), ['one', 'two']);
    assert.doesNotMatch(terminal.shown.replace(/^answers=.*/m, ''), /one|two/);
  });
}

/** `mm init` with a typed passphrase. The shell prints its process id. */
function init({ repository, directory, server }: OperatorLab, term: string | undefined) {
  const mm = MM.map((word) => `'${word}'`).join(' ');
  const options = `--bucket ${BUCKET} --tree ubuntu --endpoint ${server.endpoint} --passphrase`;
  const text = `cd '${repository}'; sh -c "echo pid=\\$\\$; exec ${mm} init ${options}"`;
  return onTerminal(text, term, { HOME: join(directory, 'home') });
}

// The keys of each terminal are tried above, at a tenth of the cost.
for (const [name, term] of sampleOf(Object.entries(TERMINALS), 3)) {
  test(`terminal: TERM ${name}: mm accepts a passphrase that was corrected during typing`, async (t) => {
    const lab = await openOperatorLab(t);
    const terminal = init(lab, term);
    await terminal.see('Passphrase for the new keys: ');
    terminal.type('sekret\x7f\x7f\x7f\x7fcret\r');
    await terminal.see('again: ');
    terminal.type('x\x15secret\r');
    assert.equal(await terminal.ended, 0, terminal.shown);
    assertRestored(terminal);
    assert.doesNotMatch(terminal.shown.replaceAll(lab.directory, ''), /se[ck]r/);

    const file = join(lab.directory, 'passphrase');
    await writeFile(file, 'secret\n');
    const publish = ['publish', 'stable', '--no-validate', '--json', '--passphrase-file', file];
    const { json, stderr } = await lab.mm(publish);
    assert.equal(PublishAnswer.parse(json).outcome, 'published', stderr);
  });
}

const BROKEN_OFF: Record<string, string> = { 'Ctrl-C': 'sec\x03', 'Ctrl-D': '\x04' };
for (const [name, keys] of Object.entries(BROKEN_OFF)) {
  test(`terminal: ${name} ends mm, and restores the terminal`, async (t) => {
    const lab = await openOperatorLab(t);
    const terminal = init(lab, 'dumb');
    await terminal.see('Passphrase for the new keys: ');
    terminal.type(keys);
    assert.equal(await terminal.ended, 1);
    assert.match(terminal.shown, /mm: no passphrase was given/);
    assertRestored(terminal);
    assert.deepEqual(lab.files(), []);
  });
}

for (const [signal, number] of Object.entries({ SIGINT: 2, SIGHUP: 1, SIGQUIT: 3, SIGTERM: 15 })) {
  test(`terminal: ${signal} ends mm during a question, and restores the terminal`, async (t) => {
    const lab = await openOperatorLab(t);
    const terminal = init(lab, 'dumb');
    await terminal.see('Passphrase for the new keys: ');
    const pid = /^pid=(\d+)/m.exec(terminal.shown)?.[1];
    process.kill(Number(pid), signal);
    assert.equal(await terminal.ended, 128 + number, terminal.shown);
    assertRestored(terminal);
  });
}
