import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';

test('prometheus: a cycle writes the file; a file that cannot be written fails nothing', async (t) => {
  const lab = await agentLab(t);
  const directory = join(lab.root, 'node-exporter');
  const puppet = await lab.fakePuppet();
  const file = join(directory, 'miyamoto.prom');
  await lab.configure(`run: { puppet: ${puppet} }\nreport: { prometheus_textfile: ${file} }\n`);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  const without = await lab.once();
  assert.equal(without.code, 0, without.stderr);
  assert.match(without.stderr, /prometheus.not-written/);
  assert.doesNotMatch(without.stderr, /ReadWritePaths/, 'the directory is missing');
  assert.equal(lab.status().run?.status, 'unchanged');
  await mkdir(directory);
  const { code, stderr } = await lab.once();
  assert.equal(code, 0, stderr);
  assert.deepEqual(await readdir(directory), ['miyamoto.prom']);
  assert.equal((await stat(file)).mode & 0o777, 0o644);
  const text = await readFile(file, 'utf8');
  assert.match(text, /^puppet_last_run_success 1$/m);
  assert.match(text, /^miyamoto_info\{.*release="1\.0\.0".*\} 1$/m);
});
