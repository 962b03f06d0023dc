import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { outcomeOf } from '../../agent/core/run/outcome.ts';
import type { PuppetExit, PuppetLine } from '../../agent/core/run/puppet-run.ts';
import { type HostPuppetOptions, hostPuppet } from '../../agent/io/puppet/puppet.ts';
import type { ApplyRequest, Puppet } from '../../agent/ports.ts';
import type { RunSummary } from '../../bucket/documents/status.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export const CERTNAME = 'h1.example.com';
const NEVER = new AbortController().signal;

/**
 * The real Puppet. Its runs share a cache of compiled Ruby, as those of a host do: a start then
 * costs half of the CPU.
 */
export function realPuppet(options: Partial<HostPuppetOptions> = {}): Puppet {
  cacheParent ??= mkdtempSync(join(tmpdir(), 'miyamoto-ruby-'));
  const rubyCache = { directory: join(cacheParent, 'cache'), isEnabled: true };
  return hostPuppet({ launcher: 'group', rubyCache, ...options });
}

let cacheParent: string | undefined;
process.once('exit', () => {
  if (cacheParent !== undefined) rmSync(cacheParent, { recursive: true, force: true });
});

/** Runs Puppet: an environment, private directories, and the printed lines. */
export interface PuppetPlace {
  readonly directory: string;
  readonly lines: PuppetLine[];
  request(overrides?: Partial<ApplyRequest>): ApplyRequest;
  /** Writes files into the environment. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Applies and summarises, as the agent does. */
  run(puppet: Puppet, overrides?: Partial<ApplyRequest>): Promise<RunSummary>;
}

/** A temporary place to run Puppet in, with the lines that it prints. */
export async function puppetPlace(t: TestContext): Promise<PuppetPlace> {
  const directory = await temporaryDirectory(t);
  const lines: PuppetLine[] = [];
  const environmentPath = join(directory, 'environments');
  const environmentDirectory = join(environmentPath, 'stable');
  const request = (overrides: Partial<ApplyRequest> = {}): ApplyRequest => ({
    runId: 'run-1',
    runDirectory: join(directory, 'runs', overrides.runId ?? 'run-1'),
    puppet: { path: '/usr/bin/puppet', version: '7.23.0' },
    environmentPath,
    environment: 'stable',
    releaseLabel: '1.0.0',
    viewPath: join(directory, 'view'),
    certname: CERTNAME,
    noop: false,
    tags: [],
    skipTags: [],
    debug: false,
    extraArguments: [],
    timeLimitSeconds: 300,
    privateDirectory: join(directory, 'private'),
    onLine: (line) => lines.push(line),
    ...overrides,
  });
  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [name, content] of Object.entries(files)) {
      const path = join(environmentDirectory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content, { mode: 0o755 });
    }
  };
  const run = async (puppet: Puppet, overrides: Partial<ApplyRequest> = {}) => {
    const asked = request({ puppet: await puppet.find(), ...overrides });
    const startedAt = Date.now();
    const exit = await puppet.apply(asked, NEVER);
    return await summaryOf(puppet, asked, { startedAt, exit });
  };
  return { directory, lines, request, write, run };
}

export async function summaryOf(
  puppet: Puppet,
  request: ApplyRequest,
  ended: { readonly startedAt: number; readonly exit: PuppetExit },
): Promise<RunSummary> {
  const { runDirectory, runId, noop, environmentPath, viewPath, environment } = request;
  return outcomeOf({
    ...ended,
    id: runId,
    reason: 'test',
    noop,
    endedAt: Date.now(),
    results: await puppet.read(runDirectory, CERTNAME),
    environmentDirectories: [environmentPath, viewPath].map((path) => join(path, environment)),
    runDirectory,
  });
}
