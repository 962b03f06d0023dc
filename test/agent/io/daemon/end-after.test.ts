import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const IO = pathToFileURL(join(import.meta.dirname, '../../../../agent/io/daemon/'));

async function endOf(body: string): Promise<{ code: unknown; stderr: string }> {
  const script = `
    import { endAfter } from '${new URL('end-after.ts', IO)}';
    import { agentLog } from '${new URL('../log.ts', IO)}';
    endAfter(20, agentLog({ json: true, debug: false }, { level: 'info', format: 'text' }, {}));
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
  return { code, stderr };
}

test('limit of a cycle: a cycle that hangs is reported and ends with exit code 1', async () => {
  const { code, stderr } = await endOf('setInterval(() => {}, 1000);');
  assert.equal(code, 1, stderr);
  assert.equal(JSON.parse(stderr).event, 'cycle.took-too-long');
});

test('limit of a cycle: the limit does not keep an ended cycle running', async () => {
  assert.deepEqual(await endOf(''), { code: 0, stderr: '' });
});
