import { open } from '../../../shared/files.ts';
import { firstErrors } from '../../core/run/puppet-line.ts';
import type { RunRemains } from '../../ports.ts';
import { factsLibrary, factsPath, outputPath, reportPath } from './command.ts';
import { slowFactsOf, slowFactsPath } from './fact-times.ts';
import { MAX_LOG_BYTES } from './output.ts';

const MAX_REPORT_BYTES = 16 * 1024 ** 2;
const MAX_FACTS_BYTES = 32 * 1024 ** 2;
const MAX_SLOW_FACTS_BYTES = 64 * 1024;

/** Reads what an ended run left in its directory. What is not UTF-8 becomes U+FFFD. */
export async function readRemains(runDirectory: string, certname: string): Promise<RunRemains> {
  const report = await readJson(reportPath(runDirectory), MAX_REPORT_BYTES);
  const facts = await readJson(factsPath(runDirectory, certname), MAX_FACTS_BYTES);
  const slow = await readJson(slowFactsPath(runDirectory), MAX_SLOW_FACTS_BYTES);
  const slowFacts = slowFactsOf(slow.value);
  // With a report its own log says more.
  const output = report.value === undefined ? await readOutput(runDirectory) : '';
  return {
    report: report.value,
    facts: valuesOf(facts.value, runDirectory),
    errors: firstErrors(output.split('\n')),
    ...(slowFacts.length > 0 ? { slowFacts } : {}),
    problems: [report.problem, facts.problem].filter((problem) => problem !== undefined),
  };
}

/** Its start: nobody cuts the output of a run whose agent died. */
async function readOutput(runDirectory: string): Promise<string> {
  try {
    await using file = await open(outputPath(runDirectory), 'r');
    const bytes = Buffer.alloc(MAX_LOG_BYTES);
    return bytes.toString('utf8', 0, await file.read(bytes, 0, bytes.length));
  } catch {
    return '';
  }
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

async function readJson(path: string, maxBytes: number): Promise<Read> {
  const text = await readBounded(path, maxBytes);
  if (text.problem !== undefined || text.value === undefined) return text;
  try {
    return { value: JSON.parse(text.value), problem: undefined };
  } catch (error) {
    const why = error instanceof SyntaxError ? 'not JSON' : String(error);
    return { value: undefined, problem: `cannot read ${path}: ${why}` };
  }
}

async function readBounded(
  path: string,
  maxBytes: number,
): Promise<{ readonly value: string | undefined; readonly problem: string | undefined }> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > maxBytes) {
      const problem = `cannot read ${path}: ${size} bytes, at most ${maxBytes} wanted`;
      return { value: undefined, problem };
    }
    return { value: await file.readFile('utf8'), problem: undefined };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === 'ENOENT' ? undefined : `cannot read ${path}: ${code ?? String(error)}`;
    return { value: undefined, problem };
  }
}
