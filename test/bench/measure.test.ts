import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { measure, parseTimes } from '../../bench/measure.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const environment = { PATH: '/usr/bin:/bin' };

test('measure: counts the CPU of a grandchild, and keeps the output', async (t) => {
  const place = { folder: await temporaryDirectory(t), stop: new AbortController().signal };
  // A busy machine gives it less CPU than time.
  const busy = `const until = Date.now() + 300;
    while (Date.now() < until || process.cpuUsage().user < 1e5);`;
  const script = `echo begun; "$0" -e "${busy}"; echo done >&2`;
  const argv = ['sh', '-c', script, process.execPath];
  const { wallSeconds, cpuSeconds, output } = await measure({ argv, environment }, place);
  assert.ok(wallSeconds >= 0.3, `${wallSeconds} s`);
  assert.ok(cpuSeconds > 0.03, `${cpuSeconds} s of CPU`);
  assert.equal(output, 'begun\ndone\n');
});

test('own-cpu.pl: counts a process without its children, and exits with its status', {
  skip: process.platform === 'linux' ? false : 'only Linux has such clocks',
}, async (t) => {
  const place = { folder: await temporaryDirectory(t), stop: new AbortController().signal };
  const file = join(place.folder, 'own-cpu');
  const counter = join(import.meta.dirname, '../../bench/own-cpu.pl');
  const busy =
    'const until = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < until);';
  const countedMs = async (...command: string[]): Promise<number> => {
    await measure({ argv: ['perl', counter, file, ...command], environment }, place);
    return Number(await readFile(file, 'utf8'));
  };
  assert.ok((await countedMs(process.execPath, '-e', busy)) >= 300);
  const shell = await countedMs('sh', '-c', '"$0" -e "$1"; true', process.execPath, busy);
  assert.ok(shell > 0 && shell < 200, `${shell} ms`);
  await assert.rejects(countedMs('sh', '-c', 'exit 3'), /exited with 3/);
  await assert.rejects(countedMs('sh', '-c', 'kill -9 $$'), /exited with 137/);
});

test('measure: a command that fails is an error with its last lines', async (t) => {
  const place = { folder: await temporaryDirectory(t), stop: new AbortController().signal };
  const argv = ['sh', '-c', 'echo no such thing >&2; exit 3'];
  await assert.rejects(measure({ argv, environment }, place), /exited with 3:\nno such thing/);
});

test('measure: a stop ends the command and its children', async (t) => {
  const stop = new AbortController();
  const place = { folder: await temporaryDirectory(t), stop: stop.signal };
  const ended = measure({ argv: ['sh', '-c', 'sleep 600; true'], environment }, place);
  stop.abort();
  await assert.rejects(ended, { name: 'AbortError' });
});

test("measure: the output of bash's time is parsed", () => {
  assert.deepEqual(parseTimes('1.250 0.750 0.250\n'), { wallSeconds: 1.25, cpuSeconds: 1 });
  assert.throws(() => parseTimes('1,250 0,750 0,250\n'));
});
