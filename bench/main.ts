import { parseArgs } from 'node:util';
import { type Bench, cycles } from './cycles.ts';
import { fleet } from './fleet/fleet.ts';
import { gates } from './gates.ts';
import { startIdleDaemons } from './idle.ts';
import { openLab, QUIET_TREE, TREE } from './lab.ts';
import { load } from './load.ts';
import { openOperator } from './operator.ts';
import { FULL, QUICK } from './plan.ts';
import { preview } from './preview.ts';
import { publishing } from './publishing.ts';
import { type Results, textOf, thisMachine, writeJson, writePage } from './results.ts';
import { type Group, isMissing } from './rows.ts';
import { start } from './start.ts';
import { installMissing } from './tools.ts';

/**
 * `npm run bench`: what Miyamoto costs, compared with what a user would run instead, on the same
 * work, in one run. The marks are shown, not enforced: exit code 1 means that something could not
 * be measured.
 */
const HELP = `npm run bench -- [options] [fleet]
fleet       only mm fleet with 100,000 hosts: under 3 minutes; installs Chromium for its page
--hosts     how many hosts \`fleet\` has; default: 100000
--quick     only what has a mark: about 3 minutes instead of 12
--load      only the load test: one publication for 5,000 simulated hosts
--install   install missing tools to compare with (apt, as root)
--write     write the results to docs/performance.md and the JSON document beside it
`;

const { values: options, positionals: parts } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    load: { type: 'boolean', default: false },
    hosts: { type: 'string', default: '100000' },
    install: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
process.exit(options.help ? help() : await main());

function help(): number {
  process.stdout.write(HELP);
  return 0;
}

async function main(): Promise<number> {
  if (parts.some((part) => part !== 'fleet')) {
    process.stderr.write(`bench: there is no part ${parts.join(' ')}\n${HELP}`);
    return 2;
  }
  if (options.install) await installMissing(say);
  try {
    const results = await measuredPart();
    if (stop.signal.aborted) return 130;
    process.stdout.write(`${textOf(results)}\n`);
    say(`JSON: ${await writeJson(results)}`);
    if (options.write) for (const path of await writePage(results)) say(`wrote ${path}`);
    return isComplete(results) ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    throw error;
  }
}

async function measuredPart(): Promise<Results> {
  if (parts.length > 0) {
    return await measured('fleet', (signal) => fleet(Number(options.hosts), signal, say));
  }
  return options.load ? await measured('load', load) : await measured('benchmark', benchmark);
}

type Measured = Pick<Results, 'groups' | 'noise'>;

async function measured(
  kind: Results['kind'],
  part: (stop: AbortSignal, say: (line: string) => void) => Promise<Measured>,
): Promise<Results> {
  const machine = await thisMachine();
  const startedAt = performance.now();
  const found = await part(stop.signal, say);
  const seconds = (performance.now() - startedAt) / 1000;
  return { kind, at: new Date().toISOString(), machine, seconds, ...found };
}

async function benchmark(signal: AbortSignal): Promise<Measured> {
  await using lab = await openLab(signal);
  const operator = await openOperator(lab, TREE);
  const bench: Bench = { lab, operator, say, plan: options.quick ? QUICK : FULL };
  say('starting two idle daemons, which run until the end');
  const daemons = await startIdleDaemons(lab, await openOperator(lab, QUIET_TREE));
  const { groups, ownCpuMs } = await cycles(bench);
  const others = [await start(bench), await publishing(bench)];
  others.push(await gates(bench), await preview(bench));
  say('waiting until the daemons have been idle for long enough');
  const idle = await daemons.end(options.quick ? 1 : 4, { ownCpuMs });
  return { groups: [...groups, ...others, idle], noise: lab.noise.summary };
}

function isComplete({ groups }: Results): boolean {
  return !groups.some(({ rows }: Group) => rows.some((row) => isMissing(row) && row.isFailure));
}

/** Progress, on stderr; the results go to stdout. */
function say(line: string): void {
  if (!stop.signal.aborted) process.stderr.write(`bench: ${line}\n`);
}
