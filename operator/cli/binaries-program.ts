import type { Command } from 'commander';
import { type BinariesInitOptions, initBinaries } from '../commands/binaries/init.ts';
import { listBinaries } from '../commands/binaries/list.ts';
import { type PutOptions, putBinaries } from '../commands/binaries/put.ts';
import { type RemoveOptions, removeBinaries } from '../commands/binaries/remove.ts';
import type { CommonOptions, Context } from '../context.ts';
import { common, reason, signing } from './options.ts';
import type { Output } from './output.ts';

const EXAMPLES = `
Example:
  mm binaries init                      # once for each tree
  mm binaries put tools_1.2.0_amd64.deb --reason "ticket 4711"
  mm binaries list
  mm binaries remove tools_1.1.0_amd64.deb`;

/** Adds `mm binaries`: files that manifests need, such as packages. */
export function addBinaries(program: Command, context: Context, output: Output): void {
  const binaries = program
    .command('binaries')
    .description('packages and other files that manifests need, with signed length and sha256')
    .addHelpText('after', EXAMPLES);
  signing(binaries.command('init'))
    .description('let the keys of an environment sign binaries; needed once for each tree')
    .option('--like <environment>', 'the environment; default: the first one')
    .option('--out <file>', 'write a proposal for others to sign')
    .action(async (options: BinariesInitOptions) =>
      output.answer(await initBinaries(context, options), options),
    );
  signing(binaries.command('put <file...>'))
    .description('upload files and sign them; a command that was interrupted goes on')
    .option('--name <name>', 'name on the hosts; default: that of the file')
    .option('--replace', 'also when a binary of that name has other content')
    .option('--reason <text>', 'why; shown by mm binaries list and mm log', reason)
    .option('--out <file>', 'write a proposal for others to sign')
    .action(async (files: readonly string[], options: PutOptions) =>
      output.answer(await putBinaries(context, files, options), options),
    );
  common(binaries.command('list'))
    .description('show name, size, sha256, when and by whom')
    .action(async (options: CommonOptions) =>
      output.answer(await listBinaries(context, options), options),
    );
  signing(binaries.command('remove <name...>'))
    .description('remove binaries from the signed metadata; mm clean removes the objects later')
    .option('--reason <text>', 'why; shown by mm log', reason)
    .option('--yes', 'do not ask')
    .option('--out <file>', 'write a proposal for others to sign')
    .action(async (names: readonly string[], options: RemoveOptions) =>
      output.answer(await removeBinaries(context, names, options), options),
    );
}
