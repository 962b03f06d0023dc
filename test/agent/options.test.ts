import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DETAILED_EXIT_CODES, EXIT_CODES, exitCodesText } from '../../agent/core/exit-code.ts';
import { HELP } from '../../agent/help.ts';
import { parseOptions } from '../../agent/options.ts';

test('options: the options that a Puppet user types', () => {
  const options = parseOptions(['--once', '--noop', '--tags', 'ntp,ssh', '--detailed-exitcodes']);
  assert.equal(options.command, 'once');
  assert.equal(options.noop, true);
  assert.deepEqual(options.tags, ['ntp', 'ssh']);
  assert.equal(options.detailedExitCodes, true);
  assert.equal(parseOptions(['--once', '--no-noop']).noop, false);
  assert.equal(parseOptions(['--once']).noop, undefined);
  assert.equal(parseOptions([]).command, 'daemon');
});

test('options: commands have arguments', () => {
  const options = parseOptions(['disable', 'database', 'migration', '--until=2h']);
  assert.equal(options.command, 'disable');
  assert.deepEqual(options.operands, ['database', 'migration']);
  assert.equal(options.until, '2h');
});

test('options: what a person types who is used to puppet agent', () => {
  const test = parseOptions(['-t', '--noop']);
  assert.deepEqual([test.command, test.noop], ['once', true]);
  assert.ok(test.detailedExitCodes && test.showDiff);
  const disable = parseOptions(['--disable', 'database', 'migration', '--for', '2h']);
  assert.equal(disable.command, 'disable');
  assert.deepEqual([disable.operands, disable.until], [['database', 'migration'], '2h']);
  assert.equal(parseOptions(['disable', '--reason', 'a b']).reason, 'a b');
  assert.equal(parseOptions(['--enable']).command, 'enable');
});

const wrong: Record<string, { argv: string[]; want: RegExp }> = {
  'an option with a typing mistake': {
    argv: ['--ones'],
    want: /unknown option --ones; did you mean --once\?/,
  },
  'a command with a typing mistake': { argv: ['statsu'], want: /did you mean status\?/ },
  'a value that is missing': { argv: ['--once', '--tags'], want: /tags/ },
  'a list without a name': {
    argv: ['--once', '--tags='],
    want: /^--tags: wanted names .* found ""$/,
  },
  'a list of commas': { argv: ['diff', '--skip_tags', ' ,'], want: /^--skip_tags: wanted names/ },
  'an option of another command': {
    argv: ['run', '--tags', 'ntp'],
    want: /^--tags has no effect with run$/,
  },
  'a command after --once': {
    argv: ['--once', 'status'],
    want: /--once has no effect with status/,
  },
  'an option of doctor': { argv: ['status', '--bundle', 'x'], want: /--bundle has no effect/ },
  'a word after a command without arguments': {
    argv: ['run', 'web1'],
    want: /^run has no arguments, found "web1"$/,
  },
  'something far from all': { argv: ['--frobnicate'], want: /unknown option --frobnicate$/ },
};
for (const [name, { argv, want }] of Object.entries(wrong)) {
  test(`options: ${name}`, () => {
    assert.throws(
      () => parseOptions(argv),
      (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'USAGE');
        assert.match(error.message, want);
        return true;
      },
    );
  });
}

const forOneCycle: Record<string, string[]> = {
  '--noop': ['--noop'],
  '--no-noop': ['--no-noop'],
  '--tags': ['--tags', 'ntp'],
  '--skip_tags': ['--skip_tags', 'ntp'],
  '--detailed-exitcodes': ['--detailed-exitcodes'],
  '--ignore-window': ['--ignore-window'],
};
for (const [name, argv] of Object.entries(forOneCycle)) {
  test(`options: ${name} without --once starts no daemon that applies for real`, () => {
    assert.throws(() => parseOptions(argv), { code: 'USAGE', next: 'mm-agent --once --noop' });
    assert.equal(parseOptions(['--once', ...argv]).command, 'once');
  });
}

test('options: --until-converged, and the options that would have no effect', () => {
  const limits = ['--tries=3', '--deadline=10m', '--sentinel=/run/ready'];
  const converge = ['--once', '--until-converged'];
  assert.equal(parseOptions([...converge, ...limits]).command, 'converge');
  for (const argv of [
    ...limits.map((limit) => ['--once', limit]),
    ['--until-converged'],
    [...converge, '--noop'],
    [...converge, '--detailed-exitcodes'],
    [...converge, '--test'],
  ]) {
    assert.throws(() => parseOptions(argv), { code: 'USAGE' }, argv.join(' '));
  }
  assert.equal(parseOptions([...converge, '--no-noop', '--ignore-window']).noop, false);
});

test('options: the options of a daemon', () => {
  const argv = ['--environment=canary', '--debug', '--json', '--root=/tmp/x'];
  assert.equal(parseOptions(argv).command, 'daemon');
});

test('options: a child of the daemon reads what the daemon found', () => {
  assert.equal(parseOptions(['--once', '--trigger=poll', '--daemon-input']).daemonInput, true);
  assert.equal(parseOptions(['--once']).daemonInput, false);
});

test('options: help and README list exactly the exit codes of the program', async () => {
  for (const { code, meaning } of Object.values(EXIT_CODES)) {
    assert.match(HELP, new RegExp(`^ +${code} +${meaning}$`, 'm'));
  }
  assert.ok(HELP.includes(exitCodesText(DETAILED_EXIT_CODES)));
  const text = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8');
  const readme = text.replaceAll(/\s+/g, ' ');
  assert.ok(readme.includes(`Exit codes of \`mm-agent --once\`: ${exitCodesText(EXIT_CODES)}.`));
  assert.ok(readme.includes(exitCodesText(DETAILED_EXIT_CODES)));
});
