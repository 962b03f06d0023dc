import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { CodedError } from '../../../shared/coded-error.ts';
import { mergeConfigFiles, parseConfigFile } from '../../../shared/config/file.ts';
import { readConfigFile } from '../../../shared/config/source.ts';
import type { ConfigProblem } from '../../../shared/config/yaml.ts';
import { duration } from '../../../shared/duration.ts';
import { anyCodePoint } from '../../support/fuzz.ts';
import { runsOf } from '../../support/soak.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const Schema = z.strictObject({
  name: z.string().min(2).max(5).meta({ example: 'web' }),
  mode: z.enum(['apply', 'noop']).default('apply'),
  list: z.array(z.string()).max(2).default([]),
  schedule: z
    .strictObject({
      poll: z.string().default('now'),
      heartbeat: duration({ min: '1m' }).prefault('1h'),
    })
    .prefault({}),
  environments: z.record(z.string(), z.strictObject({ branch: z.string() })).default({}),
  either: z.union([z.string(), z.int()]).optional(),
  url: z.url().optional(),
  even: z.int().multipleOf(2).optional(),
});

test('config file: values, defaults and the forms of YAML', () => {
  const text = [
    '# a comment',
    'name: "abc"',
    'list: [a, "b"]',
    'schedule: {heartbeat: 10m}',
    'environments:',
    '  stable:',
    '    branch: main',
    'either: 3',
    '',
  ].join('\n');
  assert.deepEqual(parseConfigFile(text, 'x.yaml', Schema), {
    name: 'abc',
    mode: 'apply',
    list: ['a', 'b'],
    schedule: { poll: 'now', heartbeat: { seconds: 600 } },
    environments: { stable: { branch: 'main' } },
    either: 3,
  });
});

test('config file: a byte order mark and Windows line ends are accepted', () => {
  assert.equal(parseConfigFile('\ufeffname: abc\r\nmode: noop\r\n', 'x', Schema).mode, 'noop');
});

/** `<line> <what the message begins with>`, and what else must be in it. */
const bad: Record<string, { text: string; want: readonly string[]; says?: readonly string[] }> = {
  'a list that is too long': {
    text: 'name: abc\nlist: [a, b, c]\n',
    want: ['2 list:'],
    says: ['at most 2'],
  },
  'an unknown key': {
    text: 'name: abc\n\nmoed: apply\n',
    want: ['3 moed:'],
    says: ['"mode"'],
  },
  'an unknown key further in': {
    text: 'name: abc\nschedule:\n  poll: x\n  heartbeet: 1h\n',
    want: ['4 schedule.heartbeet:'],
    says: ['"heartbeat"'],
  },
  'an unknown key in a map of free keys': {
    text: 'name: abc\nenvironments:\n  stable: {branch: main, brnach: x}\n',
    want: ['3 environments.stable.brnach:'],
    says: ['"branch"'],
  },
  'an unknown key like no other: all are named': {
    text: 'name: abc\nzzzzzzzzz: 1\n',
    want: ['2 zzzzzzzzz:'],
    says: ['name, mode, list, schedule'],
  },
  'a known key in the wrong place is unknown there': {
    text: 'name: abc\npoll: x\n',
    want: ['2 poll:'],
  },
  'a key of all objects': { text: 'name: abc\nconstructor: 1\n', want: ['2 constructor:'] },
  'the prototype': { text: 'name: abc\n__proto__: {x: 1}\n', want: ['2 __proto__:'] },
  'several at once, each with its line': {
    text: 'name: a\nmode: stop\nlist: [1, b]\nschedule: {heartbeat: 3x, poll: 4}\neither: {}\nurl: x\neven: 3\n',
    want: [
      ...['1 name:', '2 mode:', '3 list[0]:', '4 schedule.heartbeat:'],
      ...['4 schedule.poll:', '5 either:', '6 url:', '7 even:'],
    ],
    says: ['"a"', '"apply" or "noop"', '"stop"', 'found 1', 'at least 2', 'a multiple of 2'],
  },
  'a missing key': { text: 'mode: noop\n', want: ['1 name:'], says: ['missing', 'name: web'] },
  'a key without a value': { text: 'name:\n', want: ['1 name:'], says: ['no value', 'name: web'] },
  'a missing key further in, at the map that lacks it': {
    text: 'name: abc\nenvironments:\n  stable: {}\n',
    want: ['3 environments.stable.branch:'],
  },
  'an empty file lacks what must be there': { text: '', want: ['1 name:'] },
  'a file of comments': { text: '# nothing\n---\n', want: ['1 name:'] },
  'a list': { text: '- name: abc\n', want: ['1 wanted'] },
  'a word': { text: 'name\n', want: ['1 wanted'] },
  'a map where a word should be': { text: 'name: {a: b}\n', want: ['1 name:'] },
  'a key twice': {
    text: 'name: abc\nmode: noop\nname: abd\n',
    want: ['3 name:'],
    says: ['line 1'],
  },
  'a key twice further in': {
    text: 'name: abc\nschedule:\n  poll: x\n  poll: y\n',
    want: ['4 schedule.poll:'],
    says: ['line 3'],
  },
  'a tab': { text: 'name: abc\nschedule:\n\tpoll: x\n', want: ['3 tabs'] },
  'an alias': { text: 'name: &a abc\nurl: *a\n', want: ['2 url:'] },
  'two documents': { text: 'name: abc\n---\nname: abd\n', want: ['2 wanted'] },
  'an unknown tag': { text: 'name: !ruby/object:X abc\n', want: ['1 unresolved tag'] },
  'an open quote': { text: 'name: "abc\nmode: noop\n', want: ['3 missing'] },
  'a key that is a list': { text: 'name: abc\n? [a]\n: b\n', want: ['2 with'] },
  'a bad indent': { text: 'name: abc\nschedule:\n    poll: x\n  heartbeat: 1h\n', want: ['4 '] },
};

for (const [name, { text, want, says = [] }] of Object.entries(bad)) {
  test(`config file: ${name}`, () => {
    const error = invalid(() => parseConfigFile(text, '/etc/x.yaml', Schema));
    const problems = error.details['problems'] as ConfigProblem[];
    assert.ok(problems.every(({ place }) => place.file === '/etc/x.yaml'));
    const found = problems.map(({ place, message }) => `${place.line} ${message}`).sort();
    assert.equal(found.length, want.length, found.join('\n'));
    for (const [index, start] of [...want].sort().entries()) {
      assert.ok(found[index]?.startsWith(start), `${found[index]} / ${start}`);
    }
    for (const words of says) assert.ok(error.message.includes(words), error.message);
  });
}

function invalid(parse: () => unknown): CodedError {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    assert.equal(error.code, 'CONFIG_INVALID');
    return error;
  }
  return assert.fail('it was taken');
}

const costly = {
  'nested deeply': '['.repeat(100_000),
  'many keys': Array.from({ length: 40_000 }, (_, n) => `k${n}:`).join('\n'),
  'many aliases': `a: &a [x]\nb: [${'*a,'.repeat(50_000)}]`,
  'a billion laughs': `a: &a [x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [*c]`,
  'an endless loop': 'name: &a [*a]',
  'more than 256 kB': `name: ${'x'.repeat(256 * 1024)}`,
} satisfies Record<string, string>;

for (const [name, text] of Object.entries(costly)) {
  test(`config file: ${name} is refused in bounded time, with a message of bounded length`, () => {
    assert.ok(invalid(() => parseConfigFile(text, 'x', Schema)).message.length < 10_000);
  });
}

test('config file: the password of a URL is not shown', () => {
  const text = 'name: abc\neither: 1\nurl: "ttp://user:sesame@ host/"\n';
  assert.doesNotMatch(invalid(() => parseConfigFile(text, 'x', Schema)).message, /sesame/);
});

test('config files: later files win key by key, lists are replaced whole, and each key knows its file', () => {
  const { config, origins } = mergeConfigFiles(
    [
      { path: 'a', text: 'name: abc\nlist: [a, b]\nschedule:\n  poll: first\n  heartbeat: 5m\n' },
      { path: 'b', text: '' },
      { path: 'c', text: 'schedule:\n  poll: second\nlist: [c]\n' },
    ],
    Schema,
  );
  assert.deepEqual(config.list, ['c']);
  assert.deepEqual(config.schedule, { poll: 'second', heartbeat: { seconds: 300 } });
  assert.equal(origins.get('name'), 'a:1');
  assert.equal(origins.get('schedule.poll'), 'c:2');
  assert.equal(origins.get('schedule.heartbeat'), 'a:5');
  assert.equal(origins.get('mode'), undefined);
});

test('config files: a message names the file that contains the mistake', () => {
  const sources = [
    { path: 'a', text: 'name: abc\nmoed: noop\n' },
    { path: 'b', text: 'mode: x\n' },
  ];
  const { message } = invalid(() => mergeConfigFiles(sources, Schema));
  assert.match(message, /^a:2: moed/m);
  assert.match(message, /^b:1: mode/m);
});

test('config files: a map over a scalar, and a scalar over a map', () => {
  const map = { path: 'a', text: 'name: {x: {y: z}}\n' };
  const word = { path: 'b', text: 'name: abc\n' };
  assert.equal(mergeConfigFiles([map, word], Schema).config.name, 'abc');
  assert.match(invalid(() => mergeConfigFiles([word, map], Schema)).message, /^a:1: name/);
});

test('config file: reading', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'x.yaml');
  assert.equal(readConfigFile(file), undefined);
  await writeFile(file, 'name: größe\n');
  assert.equal(readConfigFile(file), 'name: größe\n');
  await writeFile(file, Buffer.from([0x61, 0xff]));
  assert.throws(() => readConfigFile(file), { code: 'CONFIG_INVALID' });
  await writeFile(file, 'x'.repeat(300_000));
  assert.throws(() => readConfigFile(file), { code: 'CONFIG_INVALID' });
  await mkdir(join(directory, 'd.yaml'));
  assert.throws(() => readConfigFile(join(directory, 'd.yaml')), { code: 'CONFIG_INVALID' });
});

test('config file, fuzz: any text is accepted or refused with a code', (t) => {
  const seed = Date.now() % 2 ** 31;
  const numRuns = runsOf(1000);
  t.diagnostic(`${numRuns} runs, seed ${seed}`);
  const words = [
    'name',
    'mode',
    'schedule',
    'poll',
    ': ',
    '\n',
    '  ',
    '\t',
    '- ',
    '&a ',
    '*a',
    '{',
  ];
  const tokens = fc.constantFrom(
    ...words,
    '}',
    '[',
    ']',
    '"',
    "'",
    '|',
    '#',
    '? ',
    '!!map ',
    '<<',
    '---\n',
    'abc',
    '1',
  );
  const text = fc.oneof(
    fc.string({ unit: anyCodePoint, maxLength: 200 }),
    fc.array(tokens, { maxLength: 40 }).map((parts) => parts.join('')),
  );
  const property = fc.property(text, (yaml) => {
    try {
      parseConfigFile(yaml, 'x', Schema);
    } catch (error) {
      assert.ok(error instanceof CodedError, String((error as Error).stack));
    }
  });
  fc.assert(property, { numRuns, seed });
});
