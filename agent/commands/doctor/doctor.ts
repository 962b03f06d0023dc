import { asciiJson } from '../../../shared/clean-text.ts';
import { checkLines, worst } from '../../../shared/doctor/checks.ts';
import { EXIT_CODES } from '../../core/exit-code.ts';
import { checkMark } from '../../core/status/marks.ts';
import { requireReadable } from '../../io/host/permission.ts';
import { printAnswer } from '../../io/print-answer.ts';
import type { Options } from '../../options.ts';
import { localPaths } from '../../paths.ts';
import { VERSION } from '../../program/version.ts';
import { writeBundle } from './bundle.ts';
import { type Examination, examine } from './examine.ts';
import { requireNoOperands } from './host-checks.ts';
import { agentJournal } from './journal.ts';
import { secretHider } from './secrets.ts';
import { settingLines } from './settings.ts';

/**
 * `mm-agent doctor [--bundle FILE] [--other-tree NAME]`: checks everything that this host needs. It
 * says for each check what was found, and the next command where something is wrong. Exit 1 when a
 * check has failed. Throws USAGE, PERMISSION_DENIED, FILE_FAILED.
 */
export async function doctor(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  requireNoOperands(options.operands);
  const paths = localPaths(options.root);
  for (const path of [paths.state, paths.stateFile]) requireReadable(path, options.argv);
  // Those of this shell as well: the environment of the daemon replaces them.
  const shell = { ...env };
  const found = await examine(options, paths, env);
  const outcome = worst(found.checks);
  const answer = {
    schemaVersion: 1,
    outcome,
    checks: found.checks,
    settings: found.settings,
    versions: { agent: VERSION, node: process.versions.node },
    platform: `${process.platform} ${process.arch}`,
  };
  const lines = linesOf(found);
  let bundle: string | null = null;
  if (options.bundle !== undefined) {
    const hiders = [secretHider(found.config, env), secretHider(undefined, shell)];
    const hide = (text: string) => hiders.reduce((rest, each) => each(rest), text);
    // The journal is that of the host itself.
    const journal = options.root === '/' ? await agentJournal() : undefined;
    bundle = writeBundle(options.bundle, { ...found, paths, answer, lines, journal, hide });
  }
  const written = bundle === null ? [] : ['', `${bundle}: look into it before you pass it on`];
  if (options.json) printAnswer(asciiJson({ ...answer, bundle }, 2));
  else printAnswer([...lines, ...written].join('\n'), { markOf: checkMark, env: shell });
  return outcome === 'failed' ? EXIT_CODES.failed.code : EXIT_CODES.done.code;
}

function linesOf({ checks, settings }: Examination): string[] {
  return checks.flatMap((check) => [
    ...checkLines(check),
    ...(check.name === 'settings' ? settingLines(settings) : []),
  ]);
}
