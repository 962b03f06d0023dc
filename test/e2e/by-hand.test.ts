import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { HistoryEntry } from '../../agent/core/run/history-entry.ts';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';
import { openTerminal } from '../support/pseudo-terminal.ts';
import { tarArchive } from '../support/tar-writer.ts';

const MANIFEST = manifestWriting('/nowhere', 'one');

test('by hand: a noop run of another environment leaves state and status as they were', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`echo 'Notice: applied'; echo "$@" >> ${lab.root}/arguments`);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  lab.simulator.publish('testing', '2.0.0', { bytes: lab.simulator.blobs.values().next().value! });
  lab.sync();
  assert.equal((await lab.once()).code, 0);
  const state = await readFile(lab.paths.stateFile);
  const tried = await lab.run(['--test', '--noop', '--environment', 'testing']);
  assert.equal(tried.code, 0, tried.stderr);
  assert.match(tried.stderr, /run\.started.*version=2\.0\.0/);
  assert.deepEqual(
    tried.requests.filter((request) => request.startsWith('PUT')),
    [],
  );
  assert.deepEqual(await readFile(lab.paths.stateFile), state);
  const [first = '', second = ''] = (await readFile(join(lab.root, 'arguments'), 'utf8')).split(
    '\n',
  );
  assert.doesNotMatch(first, /--show_diff|--noop/);
  assert.match(second, /--noop.*--show_diff/, '--test shows what changes in files');

  // The tried run is in the history of this host, with what Puppet printed.
  const history = await lab.run(['history', '--json']);
  const [last, before] = JSON.parse(history.stdout) as HistoryEntry[];
  assert.deepEqual(
    [last?.release?.version, last?.environment, before?.release?.version],
    ['2.0.0', 'testing', '1.0.0'],
  );
  assert.match(
    (await lab.run(['history'])).stdout,
    /^run .*\n.*testing 2\.0\.0 .*\n.*stable 1\.0\.0 /,
  );
  assert.equal((await lab.run(['log'])).stdout, 'Notice: applied\n');
  assert.equal((await lab.run(['log', before?.run.id ?? ''])).stdout, 'Notice: applied\n');
  const none = await lab.run(['log', 'none']);
  assert.match(none.stderr, /wanted the id of one kept run.*next: mm-agent history/s);

  const absent = await lab.run(['diff', '--environment', 'canary']);
  assert.equal(absent.code, 21, absent.stderr);
  assert.match(
    absent.stdout,
    /no release of canary is on this host.*\nnext: mm-agent --once --noop --environment canary\n$/,
  );

  const unknown = await lab.run(['-t', '--noop', '--environment', 'testin']);
  assert.equal(unknown.code, 21, unknown.stderr);
  assert.match(unknown.stderr, /ubuntu has no environment testin; it has .*testing/);
});

test('by hand: on a terminal the lines that must not be missed have a colour', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet('exit 1');
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  assert.equal((await lab.once()).code, 1);
  const shown = async (command: string, env: Readonly<Record<string, string>> = {}) => {
    const line = [...lab.command, command, '--root', lab.root].join(' ');
    const { PATH } = process.env;
    const terminal = openTerminal(line, { env: { PATH, TERM: 'xterm', ...env }, cwd: lab.root });
    await terminal.ended;
    return terminal.shown.replaceAll('\u001b', 'ESC');
  };
  assert.match(await shown('status'), /^ESC\[31mrun +not-compiled .*ESC\[39m\r$/m);
  assert.match(await shown('history'), /^ESC\[31m\d{8}T.* not-compiled /m);
  assert.match(await shown('doctor'), /^ESC\[33mwarning +service: no daemon/m);
  assert.doesNotMatch(await shown('status', { NO_COLOR: '1' }), /ESC/);
});

test('I9 pin: follows another environment or stays on a release, never past a stop, and goes back', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  const files = (version: string) => ({
    'manifests/site.pp': `# ${version}`,
    'release.json': JSON.stringify({
      ...{ environment: 'stable', version, commit: null, ref: null, committedAt: null },
    }),
  });
  lab.publish('1.0.0', files('1.0.0'));
  const bytes = gzipSync(tarArchive([{ path: 'manifests/site.pp', content: '# 2' }]));
  lab.simulator.publish('testing', '2.0.0', { bytes });
  lab.sync();
  assert.equal((await lab.once()).code, 0);
  const pin = async (...words: string[]) => await lab.run(['pin', ...words, '--for', '4h']);
  const active = () => [lab.status().environment, lab.status().release?.version];

  const wrong = await pin('nowhere');
  assert.equal(wrong.code, 20);
  assert.match(wrong.stderr, /no environment nowhere; it has .*testing.*installed are 1\.0\.0/s);
  assert.match((await pin('stable')).stderr, /follows stable by its configuration/);
  assert.match((await lab.run(['pin', 'testing'])).stderr, /--for: wanted a duration/);

  assert.match(
    (await pin('testing', '--reason', 'a test')).stdout,
    /follows testing until .*a test/,
  );
  assert.equal((await lab.once()).code, 0);
  assert.deepEqual(active(), ['testing', '2.0.0']);
  assert.equal(lab.status().pin?.environment, 'testing');
  assert.match((await lab.run(['status'])).stdout, /^pin +follows testing .*mm-agent unpin$/m);

  // Its own environment is stopped: the pin is no way around that.
  lab.publish('1.0.0', files('1.0.0'), { custom: { stop: true, reason: 'it deletes data' } });
  assert.equal((await lab.once()).code, 10);
  assert.match(lab.status().run?.reason ?? '', /it deletes data/);
  lab.publish('1.1.0', files('1.1.0'));
  assert.equal((await lab.once()).code, 0);
  assert.deepEqual(active(), ['testing', '2.0.0']);

  // Its time has passed: the next poll goes back by itself.
  const made = JSON.parse(await readFile(lab.paths.pinFile, 'utf8')) as object;
  await writeFile(
    lab.paths.pinFile,
    JSON.stringify({ ...made, until: '2026-01-01T00:00:00.000Z' }),
  );
  assert.equal((await lab.once('--trigger', 'poll')).code, 0);
  assert.deepEqual(active(), ['stable', '1.1.0']);
  assert.equal(lab.status().pin, undefined);

  // An older release that is installed: nothing is fetched, and what is newer waits.
  assert.equal((await pin('1.0.0')).code, 0);
  const back = await lab.once();
  assert.equal(back.code, 0, back.stderr);
  assert.deepEqual(active(), ['stable', '1.0.0']);
  lab.publish('1.2.0', files('1.2.0'));
  assert.equal((await lab.once()).code, 0);
  assert.deepEqual(active(), ['stable', '1.0.0']);
  assert.match(lab.status().offered?.why ?? '', /pinned to 1\.0\.0/);
  assert.match((await lab.run(['unpin'])).stdout, /^unpinned/);
  assert.equal((await lab.once()).code, 0);
  assert.deepEqual(active(), ['stable', '1.2.0']);
});
