import { parseArgs } from 'node:util';
import { CodedError } from '../../shared/coded-error.ts';
import { download, init, update } from './commands.ts';

/**
 * The command line of the TUF conformance suite's CLIENT-CLI.md: exit code 0 when everything
 * succeeded, else 1.
 */
async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'metadata-dir': { type: 'string' },
      'metadata-url': { type: 'string' },
      'target-name': { type: 'string', multiple: true },
      'target-base-url': { type: 'string' },
      'target-dir': { type: 'string' },
    },
  });
  const given = (option: keyof typeof values & string): string => {
    const value = values[option];
    if (typeof value === 'string') return value;
    throw new CodedError(`--${option} is missing`, { code: 'USAGE' });
  };
  const [command, trustedRoot] = positionals;
  const metadataDir = given('metadata-dir');
  if (command === 'init' && trustedRoot !== undefined) return await init(metadataDir, trustedRoot);
  if (command === 'refresh') {
    await update({ metadataDir, metadataUrl: given('metadata-url'), targetNames: [] });
    return;
  }
  if (command !== 'download') throw new CodedError('no such command', { code: 'USAGE' });
  const targetNames = values['target-name'] ?? [];
  const found = await update({ metadataDir, metadataUrl: given('metadata-url'), targetNames });
  const to = { baseUrl: given('target-base-url'), targetDir: given('target-dir') };
  await download(found, { metadataDir, ...to });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof CodedError ? `${error.code}: ${error.message}` : error);
  process.exitCode = 1;
}
