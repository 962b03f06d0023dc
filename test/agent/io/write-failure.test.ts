import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { builtProgram } from '../../support/built-program.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const [NODE = '', ...AGENT] = await builtProgram('mm-agent');

/** What `mm-agent --once` says on stderr about a configuration that is a link to `target`. */
async function failure(directory: string, isJournal: boolean): Promise<string> {
  const path = join(directory, 'stderr');
  await using file = await open(path, 'w');
  const { dev, ino } = fstatSync(file.fd);
  const env = isJournal ? { JOURNAL_STREAM: `${dev}:${ino}` } : {};
  const child = spawn(NODE, [...AGENT, '--once', '--root', directory], {
    env,
    stdio: ['ignore', 'ignore', file.fd],
  });
  const [code] = await once(child, 'exit');
  assert.equal(code, 20);
  return await readFile(path, 'utf8');
}

test('failure: in the journal each line is an error', async (t) => {
  const directory = await temporaryDirectory(t);
  const lines = (await failure(directory, true)).trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^<3>mm-agent: /);
  assert.match(lines.at(-1) ?? '', /^<3>next: /);
});

test('failure: text from outside is cleaned, and a secret is hidden', async (t) => {
  const directory = await temporaryDirectory(t);
  const config = join(directory, 'etc/miyamoto');
  await mkdir(config, { recursive: true });
  await writeFile(join(config, 'agent.yaml'), '"a\\u001b[2J\\u202eb token=hunter2": 1\n');
  const text = await failure(directory, false);
  assert.match(text, /^mm-agent: .*agent\.yaml/);
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]|hunter2/u);
});
