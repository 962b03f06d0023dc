import { orUndefined, readStart } from '../../../../shared/files.ts';
import { foreignText, readForeignFile } from '../../../../shared/foreign-file.ts';
import { isJsonObject } from '../../../../shared/json.ts';
import { parseExactJson } from '../../../core/facts/exact-json.ts';
import { errorLines, firstErrors } from '../../../core/run/puppet-line.ts';
import type { RunResults } from '../../../core/run/puppet-run.ts';
import { MAX_OUTPUT_BYTES } from '../output/follow-output.ts';
import {
  facterLibrary,
  factsPath,
  outputPath,
  reportPath,
  slowFactsPath,
  summaryPath,
} from './paths.ts';
import { parseSlowFacts } from './slow-facts.ts';

const MAX_REPORT_BYTES = 16 * 1024 ** 2;
const MAX_FACTS_BYTES = 32 * 1024 ** 2;
const MAX_SUMMARY_BYTES = 64 * 1024;
const MAX_SLOW_FACTS_BYTES = 64 * 1024;

/** Reads the files of a run that has ended. Bytes that are not UTF-8 become U+FFFD. */
export function readRunResults(runDirectory: string, certname: string): RunResults {
  const report = readJson(reportPath(runDirectory), MAX_REPORT_BYTES);
  const facts = readJson(factsPath(runDirectory, certname), MAX_FACTS_BYTES);
  const slow = readJson(slowFactsPath(runDirectory), MAX_SLOW_FACTS_BYTES);
  const slowFacts = parseSlowFacts(slow.value);
  const output = readOutput(runDirectory).split('\n');
  const printed = errorLines(output);
  return {
    report: report.value,
    ...(report.value === undefined ? summaryOf(runDirectory) : {}),
    facts: factValues(facts.value, runDirectory),
    // A report has its own log, which says more.
    errors: report.value === undefined ? firstErrors(output) : [],
    ...(printed.length > 0 ? { errorLines: printed } : {}),
    ...(slowFacts.length > 0 ? { slowFacts } : {}),
    problems: [report.problem, facts.problem].filter((problem) => problem !== undefined),
  };
}

/** Only the beginning: nobody limits the output of a run whose agent was killed. */
function readOutput(runDirectory: string): string {
  const path = outputPath(runDirectory);
  return orUndefined(() => readStart(path, MAX_OUTPUT_BYTES).toString()) ?? '';
}

/**
 * Facter makes a fact of each variable of the environment that begins with FACTER, so FACTERLIB
 * becomes a fact called `lib`. It is removed.
 */
function factValues(facts: unknown, runDirectory: string): unknown {
  if (!isJsonObject(facts)) return undefined;
  const { values } = facts;
  if (!isJsonObject(values)) return values;
  const { lib, ...others } = values;
  return typeof lib === 'string' && lib.startsWith(facterLibrary(runDirectory)) ? others : values;
}

interface Json {
  readonly value: unknown;
  readonly problem: string | undefined;
}

/** Puppet's own summary: it has the counts of a report that cannot be read. */
function summaryOf(runDirectory: string): { readonly summary?: string } {
  const text = foreignText(summaryPath(runDirectory), MAX_SUMMARY_BYTES);
  return text === undefined ? {} : { summary: text };
}

function readJson(path: string, maxBytes: number): Json {
  const file = readForeignFile(path, maxBytes);
  if (file.kind === 'missing') return { value: undefined, problem: undefined };
  if (file.kind === 'refused') return unreadable(path, file.why);
  try {
    return { value: parseExactJson(file.bytes.toString()), problem: undefined };
  } catch {
    return unreadable(path, 'it is not JSON');
  }
}

function unreadable(path: string, why: string): Json {
  return { value: undefined, problem: `cannot read ${path}: ${why}` };
}
