import { fstatSync, readFileSync } from 'node:fs';
import { orUndefined, readStart, withOpenFile } from '../../../shared/files.ts';
import { firstErrors } from '../../core/run/puppet-line.ts';
import type { RunRemains } from '../../ports.ts';
import { factsLibrary, factsPath, outputPath, reportPath } from './command.ts';
import { slowFactsOf, slowFactsPath } from './fact-times.ts';
import { MAX_LOG_BYTES } from './output.ts';

const MAX_REPORT_BYTES = 16 * 1024 ** 2;
const MAX_FACTS_BYTES = 32 * 1024 ** 2;
const MAX_SLOW_FACTS_BYTES = 64 * 1024;

/** Reads what an ended run left in its directory. What is not UTF-8 becomes U+FFFD. */
export function readRemains(runDirectory: string, certname: string): RunRemains {
  const report = readJson(reportPath(runDirectory), MAX_REPORT_BYTES);
  const facts = readJson(factsPath(runDirectory, certname), MAX_FACTS_BYTES);
  const slow = readJson(slowFactsPath(runDirectory), MAX_SLOW_FACTS_BYTES);
  const slowFacts = slowFactsOf(slow.value);
  // With a report its own log says more.
  const output = report.value === undefined ? readOutput(runDirectory) : '';
  return {
    report: report.value,
    facts: valuesOf(facts.value, runDirectory),
    errors: firstErrors(output.split('\n')),
    ...(slowFacts.length > 0 ? { slowFacts } : {}),
    problems: [report.problem, facts.problem].filter((problem) => problem !== undefined),
  };
}

/** Its start: nobody cuts the output of a run whose agent died. */
function readOutput(runDirectory: string): string {
  return orUndefined(() => readStart(outputPath(runDirectory), MAX_LOG_BYTES).toString()) ?? '';
}

/** Facter takes each variable that begins with FACTER for a fact, and FACTERLIB for one called `lib`. */
function valuesOf(facts: unknown, runDirectory: string): unknown {
  if (typeof facts !== 'object' || facts === null) return undefined;
  const values: unknown = Reflect.get(facts, 'values');
  if (typeof values !== 'object' || values === null) return values;
  const { lib, ...others } = values as Record<string, unknown>;
  return typeof lib === 'string' && lib.startsWith(factsLibrary(runDirectory)) ? others : values;
}

interface Read {
  readonly value: unknown;
  readonly problem: string | undefined;
}

function readJson(path: string, maxBytes: number): Read {
  const text = readBounded(path, maxBytes);
  if (text.problem !== undefined || text.value === undefined) return text;
  try {
    return { value: JSON.parse(text.value), problem: undefined };
  } catch (error) {
    const why = error instanceof SyntaxError ? 'not JSON' : String(error);
    return { value: undefined, problem: `cannot read ${path}: ${why}` };
  }
}

function readBounded(
  path: string,
  maxBytes: number,
): { readonly value: string | undefined; readonly problem: string | undefined } {
  try {
    return withOpenFile(path, 'r', undefined, (fd) => {
      const { size } = fstatSync(fd);
      if (size > maxBytes) {
        const problem = `cannot read ${path}: ${size} bytes, at most ${maxBytes} wanted`;
        return { value: undefined, problem };
      }
      return { value: readFileSync(fd, 'utf8'), problem: undefined };
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === 'ENOENT' ? undefined : `cannot read ${path}: ${code ?? String(error)}`;
    return { value: undefined, problem };
  }
}
