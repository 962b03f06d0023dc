import { join } from 'node:path';
import type { LocalRun } from '../../../bucket/documents/local-run.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { findUnsafe } from '../../../shared/owned-path.ts';
import type { ApplyAnswer, ApplyRun } from '../../by-hand-answers.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { requireNoCheckout } from '../../files/checked-out.ts';
import { withTemporaryDirectory } from '../../files/temporary-directory.ts';
import { writeTree } from '../../release/tree/write-tree.ts';
import {
  type LocalTree,
  localTree,
  localWanted,
  releaseEntries,
  type WhichFiles,
  withLocalSource,
} from './local-tree.ts';
import { runAgent } from './run-agent.ts';

/** Options with the names of Puppet's own are passed to the agent unchanged. */
export interface ApplyOptions extends CommonOptions, Omit<WhichFiles, 'directory'> {
  /** Undefined: as `run.noop` of agent.yaml says. */
  readonly noop?: boolean | undefined;
  readonly tags?: string | undefined;
  readonly skip_tags?: string | undefined;
  readonly debug?: boolean | undefined;
  readonly detailedExitcodes?: boolean | undefined;
  /** `--root` of mm-agent. */
  readonly root?: string | undefined;
}

/**
 * `mm apply`: one run of Puppet on the work tree or a ref, on this machine, as its agent would run
 * a release. Without an environment: the one that this host follows. Nothing is published, and
 * nothing is kept. Throws PERMISSION_DENIED, AGENT_MISSING, LOCKED, PUPPET_*, CONFIG_*, GIT_FAILED,
 * ARCHIVE_*, RELEASE_INVALID, USAGE.
 */
export async function apply(
  context: Context,
  environments: readonly string[],
  options: ApplyOptions,
): Promise<Answer> {
  const { isRoot = false, env } = context;
  if (!isRoot && options.root === undefined) throw notRoot();
  // With sudo, the files belong to the person who called sudo and could become root anyway.
  const owner = isRoot && env['SUDO_UID'] !== undefined ? Number(env['SUDO_UID']) : undefined;
  return await withTemporaryDirectory('apply', async (directory) => {
    const local = withOwnCache(await localTree(context, options, owner), directory);
    requireNoCheckout(local.repository, 'mm apply runs the code of an environment as root');
    const wanted = localWanted(context, local, options);
    return await withLocalSource(context, local, wanted, async (source) => {
      const runs: ApplyRun[] = [];
      const names = environments.length === 0 ? [undefined] : environments;
      for (const [index, environment] of names.entries()) {
        const place = join(directory, `run-${index}`);
        const entries = releaseEntries(source, environment ?? wanted.environment);
        await writeTree(entries, join(place, 'tree'), 'make');
        runs.push(runOf(await runAgent(context, agentArguments(place, environment, options))));
      }
      const { ref, commit } = source.tree;
      const document: ApplyAnswer = {
        schemaVersion: 1,
        source: { ref, commit, directory: local.repository },
        runs,
      };
      const exitCode = runs.find((run) => run.exitCode !== 0)?.exitCode;
      return { document, lines: runs.flatMap(linesOf), exitCode };
    });
  });
}

/** Root must neither write into the home of a user nor run modules that others could change. */
function withOwnCache(local: LocalTree, directory: string): LocalTree {
  if (findUnsafe(local.cacheDirectory) === undefined) return local;
  return { ...local, cacheDirectory: join(directory, 'modules') };
}

function agentArguments(
  place: string,
  environment: string | undefined,
  options: ApplyOptions,
): string[] {
  const { noop, tags, skip_tags, debug, detailedExitcodes, root, json } = options;
  return [
    ...['--apply', place],
    ...(environment === undefined ? [] : ['--environment', environment]),
    ...(noop === undefined ? [] : [noop ? '--noop' : '--no-noop']),
    ...(tags === undefined ? [] : ['--tags', tags]),
    ...(skip_tags === undefined ? [] : ['--skip_tags', skip_tags]),
    ...(debug === true ? ['--debug'] : []),
    ...(detailedExitcodes === true ? ['--detailed-exitcodes'] : []),
    ...(root === undefined ? [] : ['--root', root]),
    ...(json === true ? ['--json'] : []),
  ];
}

function runOf(found: Exclude<LocalRun, { kind: 'error' }>): ApplyRun {
  const { environment, certname, exitCode } = found;
  if (found.kind === 'disabled') {
    const by = found.by === null ? '' : ` (${found.by})`;
    const disabled = `${found.reason}${by}`;
    return { environment, certname, disabled, puppet: null, run: null, exitCode };
  }
  const { puppetVersion: puppet, summary: run } = found;
  return { environment, certname, disabled: null, puppet, run, exitCode };
}

function linesOf({ environment, certname, disabled, puppet, run }: ApplyRun): string[] {
  const where = `${environment} on ${certname}`;
  if (run === null) return [`${where}: no run, this host is disabled: ${disabled}`];
  const { status, noop, resources, failedResources, error, durationSeconds } = run;
  const counts =
    resources === null
      ? ''
      : `: ${counted(resources.total, 'resource')}, ${noop ? `${resources.outOfSync} would change` : `${resources.changed} changed`}, ${resources.failed} failed`;
  return [
    `${where}: ${status}${counts} (Puppet ${puppet}, ${durationSeconds} s)`,
    ...failedResources.map(({ title }) => `failed: ${title}`),
    ...(error === null ? [] : [`error: ${error}`]),
  ];
}

function notRoot(): CodedError {
  return new CodedError('mm apply runs Puppet as the agent does, and only root may do that', {
    code: 'PERMISSION_DENIED',
    next: 'sudo mm apply, with the same options; to see only what would change: sudo mm apply --noop',
  });
}
