import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentJournal } from '../../../../agent/commands/doctor/journal.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

// test/boxes/left-alone.test.ts has the real journal. Here a program stands for journalctl.
const ARGUMENTS =
  '--no-pager --quiet --output=short-iso --lines=2000 --unit=mm-agent.service --unit=mm-agent-boot.service';
const programs: Record<string, readonly [prints: string, want: string | undefined]> = {
  nothing: ['exit 0', undefined],
  'a failure': ['echo x; exit 1', undefined],
  'lines of the units': ['echo "$*"; echo end', `${ARGUMENTS}\nend\n`],
};
for (const [name, [prints, want]] of Object.entries(programs)) {
  test(`journal: ${name}`, async (t) => {
    const path = join(await temporaryDirectory(t), 'journalctl');
    await writeFile(path, `#!/bin/sh\n${prints}\n`, { mode: 0o755 });
    assert.equal(await agentJournal(path), want);
  });
}

test('journal: of a long one whole lines at the end; without journalctl nothing', async (t) => {
  const path = join(await temporaryDirectory(t), 'journalctl');
  await writeFile(path, '#!/bin/sh\nyes "a line" | head -n 1000000; echo last\n', { mode: 0o755 });
  const text = (await agentJournal(path)) ?? '';
  assert.ok(text.length > 1_000_000 && text.length <= 1024 ** 2 + 1);
  assert.match(text, /^a line\n.*\nlast\n$/s);
  assert.equal(await agentJournal('/nowhere/journalctl'), undefined);
});
