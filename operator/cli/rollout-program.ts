import { type Command, Option } from 'commander';
import type { MoveOptions } from '../commands/move/move.ts';
import type { HostsOptions } from '../commands/rollout/hosts.ts';
import { type RolloutOptions, rollout } from '../commands/rollout/start.ts';
import { rolloutStatus } from '../commands/rollout/status.ts';
import { halt, step } from '../commands/rollout/step.ts';
import type { Context } from '../context.ts';
import { collect, common, DESPITE_HALT, reason, signing } from './options.ts';
import type { Output } from './output.ts';

/** Adds `mm rollout`: a release for some hosts first. */
export function addRollout(program: Command, context: Context, output: Output): void {
  const command = program.command('rollout').description('give a release to some hosts first');
  addStart(command, context, output);
  signing(command.command('step <environment>'))
    .description('halt, or go on with the schedule when its time has come; for cron or CI')
    .addOption(fromCopy())
    .action(async (environment: string, options: MoveOptions & HostsOptions) =>
      output.answer(await step(context, environment, options), options),
    );
  common(command.command('status <environment>'))
    .description('show which hosts run the release, which wait, and which fail and why')
    .addOption(fromCopy())
    .action(async (environment: string, options: HostsOptions) =>
      output.answer(await rolloutStatus(context, environment, options), options),
    );
  signing(command.command('halt <environment>'))
    .description('end the rollout: all hosts get the current release again')
    .option('--reason <text>', 'why; shown by mm log', reason)
    .option('--out <file>', 'write a proposal for other signers')
    .action(async (environment: string, options: MoveOptions) =>
      output.answer(await halt(context, environment, options), options),
    );
}

function fromCopy(): Option {
  return new Option(
    '--fleet',
    'bring the copy of mm fleet up to date and read it: only statuses that changed are fetched',
  );
}

function addStart(command: Command, context: Context, output: Output): void {
  signing(command.command('start <environment>', { isDefault: true }))
    .description('begin a rollout, or change the share of one; the word start may be left out')
    .option('--percent <number>', 'share of the hosts; 100 ends the rollout with all hosts')
    .option('--group <name>', 'hosts whose agent.yaml has this group; may be repeated', collect)
    .option('--new-group', 'also a group that no host has reported')
    .option('--schedule <shares>', 'shares for mm rollout step, such as "5% 1h, 25% 4h, 100%"')
    .option('--halt-at <percent>', 'mm rollout step halts when so many of the hosts fail')
    .option('--from <environment>', 'roll out the release of this environment; default: publish')
    .option('--no-rebuild', 'with --from: do not compare a release of others with its commit')
    .option('--ref <ref>', 'branch, tag or commit to publish; default: ref in miyamoto.yaml')
    .option('--version <label>', 'version of the release; default: one above the highest so far')
    .option('--reason <text>', 'why; shown by mm log', reason)
    .option('--yes', 'do not ask')
    .option('--older', 'also a commit that does not contain the one that hosts have now')
    .option('--despite-hold', 'also while the environment is on hold; it stays so')
    .option('--despite-halt', DESPITE_HALT)
    .option('--out <file>', 'write a proposal for other signers')
    .option('--no-validate', 'publish without the checks of manifests and data')
    .action(async (environment: string, options: RolloutOptions) =>
      output.answer(await rollout(context, environment, options), options),
    );
}
