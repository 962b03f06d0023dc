import { printable } from '../../../shared/clean-text.ts';
import type { Finding } from '../../by-hand-answers.ts';
import { type GateProblem, linesOf } from '../../release/gates/problem.ts';
import type { TreeProblem } from '../../release/tree/tree.ts';

/** A problem in names, links, sizes or contents. All of them refuse the release. */
export function findingOfTree({ code, path, line, message, next }: TreeProblem): Finding {
  return {
    ...{ level: 'error', code, kind: null, line, column: null, source: null, caret: null },
    path: path === null ? null : printable(path, 200),
    message: printable(message, 500),
    next: next ?? null,
  };
}

/** What the gates found in a file that Puppet would load. */
export function findingOfGate(problem: GateProblem): Finding {
  return { ...problem, code: 'RELEASE_INVALID', next: null };
}

/**
 * `path:line:column: error: message`, as compilers print it, so that editors and CI find the line.
 */
export function findingLines({ path, next, ...problem }: Finding): string[] {
  const { level, message } = problem;
  const shown = { ...problem, path: path ?? 'release', kind: problem.kind ?? 'puppet' } as const;
  const lines = linesOf({ ...shown, message: `${level}: ${message}` });
  return next === null ? lines : [...lines, `  next: ${next}`];
}
