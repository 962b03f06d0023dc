import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readExpectedFailures } from './expected-failures.ts';

/**
 * Runs the TUF conformance suite itself against `client`. It is not an npm package and must be
 * installed separately.
 */
const HOW = `the TUF conformance suite itself was not run; to run it, some 3 minutes:
  MM_CONFORMANCE_DIR=<checkout of theupdateframework/tuf-conformance> npm run test:conformance
wanted besides: faketime, and python3 with pytest, cryptography, and the packages tuf and securesystemslib
(checkouts of theupdateframework/python-tuf and secure-systems-lab/securesystemslib on PYTHONPATH will do)`;

async function runSuite(directory: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'mm-conformance-'));
  // An interrupt ends pytest, and that ends this.
  process.on('SIGINT', () => {});
  try {
    const entrypoint = join(folder, 'client');
    const client = join(import.meta.dirname, 'client');
    await writeFile(entrypoint, `#!/bin/sh\nexec '${client}' "$@"\n`, { mode: 0o755 });
    const expected = [...(await readExpectedFailures()).keys()];
    await writeFile(`${entrypoint}.xfails`, expected.join('\n'));
    const options = ['-p', 'no:cacheprovider', '-q', '-rxXfE', '--tb=short'];
    const pytest = spawn(
      'python3',
      ['-m', 'pytest', ...options, join(directory, 'tuf_conformance'), '--entrypoint', entrypoint],
      { stdio: 'inherit', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } },
    );
    const [code] = (await once(pytest, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const directory = process.env['MM_CONFORMANCE_DIR'];
if (directory === undefined) console.log(HOW);
else process.exitCode = await runSuite(directory);
