import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { orUndefined, readStart } from '../../../../shared/files.ts';
import { foreignText, readForeignFile } from '../../../../shared/foreign-file.ts';
import { isJsonObject, type JsonObject } from '../../../../shared/json.ts';
import { parseExactJson } from '../../../core/facts/exact-json.ts';
import { errorLines, firstErrors, signalOf } from '../../../core/run/puppet-line.ts';
import type { RunResults } from '../../../core/run/puppet-run.ts';
import { MAX_OUTPUT_BYTES } from '../output/follow-output.ts';
import { outputTail } from '../output/output-tail.ts';
import {
  facterLibrary,
  factProblemsPath,
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
const MAX_FACT_PROBLEMS_BYTES = 1024 ** 2;

/** Reads the files of a run that has ended. Bytes that are not UTF-8 become U+FFFD. */
export function readRunResults(runDirectory: string, certname: string): RunResults {
  const report = readJson(reportPath(runDirectory), MAX_REPORT_BYTES);
  const facts = readFacts(runDirectory, certname, report.value !== undefined);
  const slow = readJson(slowFactsPath(runDirectory), MAX_SLOW_FACTS_BYTES);
  const slowFacts = parseSlowFacts(slow.value);
  const output = readOutput(runDirectory).split('\n');
  const printed = errorLines(output);
  const signal = signalOf(output);
  return {
    report: report.value,
    ...(report.problem === undefined ? {} : { reportProblem: report.problem }),
    ...summaryOf(runDirectory),
    facts: factValues(facts.value, runDirectory),
    // A report has its own, more detailed log.
    errors: report.value === undefined ? firstErrors(output) : [],
    ...(printed.length > 0 ? { errorLines: printed } : {}),
    ...(signal === undefined ? {} : { signal }),
    ...(slowFacts.length > 0 ? { slowFacts } : {}),
    problems: [facts.problem, ...factProblems(runDirectory)].filter(
      (problem) => problem !== undefined,
    ),
  };
}

/**
 * Puppet names the file after the node. `node_name_value` or `node_name_fact` of puppet.conf may
 * give the node another name than the certname. A run with a report also has facts.
 */
function readFacts(runDirectory: string, certname: string, hasReport: boolean): Json {
  const expected = factsPath(runDirectory, certname);
  const directory = dirname(expected);
  const names = orUndefined(() => readdirSync(directory))?.filter((name) => name.endsWith('.json'));
  const [other] = names?.sort() ?? [];
  const path = other === undefined || existsSync(expected) ? expected : join(directory, other);
  const facts = readJson(path, MAX_FACTS_BYTES);
  if (facts.value !== undefined && !hasValues(facts.value))
    return unreadable(path, 'it has no map of facts');
  if (facts.value !== undefined || facts.problem !== undefined || !hasReport) return facts;
  return unreadable(expected, 'Puppet left no facts');
}

/**
 * The problems that host_facts.rb wrote, one for each line. A program may have run twice, with
 * other words on stderr.
 */
function factProblems(runDirectory: string): readonly (string | undefined)[] {
  const path = factProblemsPath(runDirectory);
  const file = readForeignFile(path, MAX_FACT_PROBLEMS_BYTES);
  if (file.kind === 'missing') return [];
  if (file.kind === 'refused') return [unreadable(path, file.why).problem];
  const lines = file.bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  const problems = new Map<string, string>();
  for (const line of lines) {
    const [what = '', stderr = ''] = line.split('\t');
    problems.set(what, [what, outputTail(stderr)].filter(Boolean).join(': '));
  }
  return [...problems.values()];
}

/** Only the beginning: the output of a run whose agent was killed has no limit. */
function readOutput(runDirectory: string): string {
  const path = outputPath(runDirectory);
  return orUndefined(() => readStart(path, MAX_OUTPUT_BYTES).toString()) ?? '';
}

/**
 * Facter makes a fact of each variable of the environment that begins with FACTER, so FACTERLIB
 * becomes a fact called `lib`. It is removed.
 */
function factValues(facts: unknown, runDirectory: string): JsonObject | undefined {
  if (!hasValues(facts)) return undefined;
  const { lib, ...others } = facts.values;
  const isOurs = typeof lib === 'string' && lib.startsWith(facterLibrary(runDirectory));
  return isOurs ? others : facts.values;
}

function hasValues(facts: unknown): facts is { readonly values: JsonObject } {
  return isJsonObject(facts) && isJsonObject(facts['values']);
}

interface Json {
  readonly value: unknown;
  readonly problem: string | undefined;
}

/** Puppet's own summary, which has the counts when the report cannot be used. */
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
