import type { Command } from 'commander';
import { type CleanOptions, clean } from '../commands/clean/clean.ts';
import { type LogOptions, log } from '../commands/log/log.ts';
import type { MoveOptions } from '../commands/move/move.ts';
import { type PauseOptions, pause, resume } from '../commands/move/pause.ts';
import { type PromoteOptions, promote } from '../commands/move/promote.ts';
import { type RollbackOptions, rollback } from '../commands/move/rollback.ts';
import type { Context } from '../context.ts';
import { common, DESPITE_HALT, reason, requiredReason, signing, wholeNumber } from './options.ts';
import type { Output } from './output.ts';

const END_ROLLOUT = 'also during a rollout, which ends by that';
const AFTER_ROLLBACK = `
A release is named by its version, by the first 7 digits of its commit, or by the first 8 of its
sha256. mm releases ENVIRONMENT shows what there is.`;
const DESPITE_HOLD = 'also while the environment is on hold or stopped; it stays so';

/**
 * Adds the commands that change what hosts get without an upload, and `mm log`, which shows who did
 * that.
 */
export function addMoveCommands(program: Command, context: Context, output: Output): void {
  signing(program.command('promote <from> <to>'))
    .description('give the hosts of one environment the release of another one')
    .option('--reason <text>', 'why; shown by mm log', reason)
    .option('--yes', 'do not ask')
    .option('--older', 'also when the release does not contain the commit that hosts have now')
    .option('--end-rollout', END_ROLLOUT)
    .option('--despite-hold', DESPITE_HOLD)
    .option('--despite-halt', DESPITE_HALT)
    .option('--no-rebuild', 'do not compare a release of others with its commit in this clone')
    .option('--out <file>', 'write a proposal for other signers')
    .action(async (from: string, to: string, options: PromoteOptions) =>
      output.answer(await promote(context, { from, to }, options), options),
    );
  signing(program.command('rollback <environment> [release]'))
    .description('go back to the release before, or to one that mm releases shows')
    .option('--reason <text>', 'why; shown by mm log', reason)
    .option('--yes', 'do not ask')
    .option('--despite-hold', DESPITE_HOLD)
    .option('--out <file>', 'write a proposal for other signers')
    .addHelpText('after', AFTER_ROLLBACK)
    .action(async (environment: string, release: string | undefined, options: RollbackOptions) =>
      output.answer(await rollback(context, { environment, release }, options), options),
    );
  addPauses(program, context, output);
  common(program.command('clean'))
    .description('remove the tarballs and binaries that nothing has named for 90 days')
    .option('--yes', 'do not ask')
    .option('--noop', 'show what would be removed, and remove nothing')
    .option('--keys <dir>', 'directory of the signing keys, to tell own lists from others')
    .action(async (options: CleanOptions) => output.answer(await clean(context, options), options));
  common(program.command('log [environment]'))
    .description('show who published, promoted, rolled back or held what, when and why')
    .option('--limit <number>', 'number of entries; default: 20', wholeNumber)
    .action(async (environment: string | undefined, options: LogOptions) =>
      output.answer(await log(context, environment, options), options),
    );
}

function addPauses(program: Command, context: Context, output: Output): void {
  const pauses = {
    hold: 'hosts take no other release, and keep applying what they have',
    stop: 'hosts do not run Puppet, and still report',
  } as const;
  for (const [action, description] of Object.entries(pauses)) {
    signing(program.command(`${action} <environment>`))
      .description(`${description}, until mm resume`)
      .requiredOption('--reason <text>', 'why; shown on the hosts and by mm log', requiredReason)
      .option('--out <file>', 'write a proposal for other signers')
      .action(async (environment: string, options: PauseOptions) => {
        const wanted = { action: action as keyof typeof pauses, environment };
        output.answer(await pause(context, wanted, options), options);
      });
  }
  signing(program.command('resume <environment>'))
    .description('end mm hold and mm stop')
    .option('--reason <text>', 'why; shown by mm log', reason)
    .option('--out <file>', 'write a proposal for other signers')
    .action(async (environment: string, options: MoveOptions) =>
      output.answer(await resume(context, environment, options), options),
    );
}
