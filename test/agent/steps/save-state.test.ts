import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { NO_STATE } from '../../../agent/core/state.ts';
import { stateFile } from '../../../agent/io/state-file.ts';
import { hostPaths } from '../../../agent/paths.ts';
import { saveState } from '../../../agent/steps/save-state.ts';
import { fakeLog } from '../../support/fake-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('save state: a file that cannot be written is named with the next command, and ends nothing', async (t) => {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  const log = fakeLog();
  // File modes do not stop root, but a file cannot be renamed over a directory.
  await mkdir(paths.stateFile, { recursive: true });
  const ports = { log, state: stateFile(paths.stateFile, log) };
  assert.equal(await saveState({ paths, ports } as never, NO_STATE), false);
  const [line] = log.lines;
  assert.deepEqual([line?.level, line?.event], ['error', 'state.not-saved']);
  const { path, code, next } = line?.fields ?? {};
  assert.deepEqual([path, code], [paths.stateFile, 'FILE_FAILED']);
  assert.equal(next, `ls -ld ${paths.stateFile}`);
});
