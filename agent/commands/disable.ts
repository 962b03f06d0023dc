import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { asciiJson, printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { Duration } from '../../shared/duration.ts';
import { EXIT_CODES } from '../core/exit-code.ts';
import { withReserveSync } from '../disk/reserve.ts';
import { requireWritable } from '../io/host/permission.ts';
import { printAnswer } from '../io/print-answer.ts';
import type { Options } from '../options.ts';
import { localPaths } from '../paths.ts';
import { writeDisabled } from '../steps/disabled.ts';

/**
 * `mm-agent disable "reason" [--for 2h]`: no more runs; the host continues to report. The reason
 * may also be in `--reason`.
 */
export function disable(options: Options, env: NodeJS.ProcessEnv): number {
  const reason = [...options.operands, options.reason ?? ''].join(' ').trim();
  if (reason === '') {
    throw new CodedError('a reason is missing: it tells others why this host does not run', {
      code: 'USAGE',
      next: 'mm-agent disable "database migration" --for 2h',
    });
  }
  const until = options.until === undefined ? null : untilOf(options.until);
  const paths = localPaths(options.root);
  requireWritable([paths.state], options.argv);
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  const by = env['SUDO_USER'] ?? env['USER'] ?? null;
  const disabled = { reason: reason.slice(0, 500), by, until };
  withReserveSync(paths, 'files', () => writeDisabled(paths.disabledFile, disabled));
  printAnswer(
    options.json
      ? asciiJson(disabled)
      : `disabled${until === null ? '' : ` until ${until}`}: ${printable(reason)}`,
  );
  return 0;
}

/**
 * `mm-agent enable`: runs again from the next cycle on. Exit 10 when Puppet's own lock prevents it.
 */
export function enable(options: Options): number {
  const { state, disabledFile, puppetDisabledFiles } = localPaths(options.root);
  requireWritable([state], options.argv);
  rmSync(disabledFile, { recursive: true, force: true });
  const remaining = puppetDisabledFiles.filter(
    // lstat: a broken link disables, too.
    (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  );
  const isEnabled = remaining.length === 0;
  const exitCode = isEnabled ? EXIT_CODES.done.code : EXIT_CODES.disabled.code;
  if (options.json) {
    printAnswer(asciiJson({ enabled: isEnabled, disabledBy: remaining }));
    return exitCode;
  }
  if (isEnabled) {
    process.stdout.write('enabled\n');
    return exitCode;
  }
  process.stdout.write(`still disabled by Puppet's own ${remaining.join(' and ')}\n`);
  process.stderr.write(`next: puppet agent --enable, or remove the file\n`);
  return exitCode;
}

function untilOf(text: string): string {
  const parsed = Duration.safeParse(text);
  if (!parsed.success) {
    throw new CodedError(`--for: wanted a duration such as 2h or 1d, found ${text}`, {
      code: 'USAGE',
      next: 'mm-agent disable "reason" --for 2h',
    });
  }
  return new Date(Date.now() + parsed.data.seconds * 1000).toISOString();
}
