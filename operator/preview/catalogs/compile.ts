import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../../../shared/coded-error.ts';
import type { PuppetRuby } from '../../puppet/find-puppet.ts';
import { runRuby } from '../../puppet/run-ruby.ts';
import type { FactsPlace } from './facts-file.ts';

/** One of two sides, compiled for many hosts. */
export interface CompileRequest {
  readonly puppet: PuppetRuby;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** For the results. */
  readonly directory: string;
  /** The request for compile_catalogs.rb, without the hosts and the file of the results. */
  readonly shared: Readonly<Record<string, unknown>>;
  readonly hosts: readonly FactsPlace[];
  /** Milliseconds for the catalog of one host, and for Puppet to start. */
  readonly hostLimitMs: number;
  readonly workers?: number;
  /** Called after each catalog. */
  onCatalog?(): void;
}

/** The place of the catalog of a host, or why it did not compile. */
export type Compiled =
  | {
      readonly file: string;
      readonly offset: number;
      readonly length: number;
      /** Equal catalogs have equal digests. */
      readonly digest: string;
    }
  | { readonly error: string };

export interface CompiledSide {
  /** Version of Puppet; null when there was no host to compile. */
  readonly puppet: string | null;
  readonly byHost: ReadonlyMap<string, Compiled>;
  readonly standIns: ReadonlySet<string>;
}

const Started = z.object({ puppet: z.string() });
const Result = z.object({
  error: z.string().optional(),
  digest: z.string().optional(),
  offset: z.int().optional(),
  length: z.int().optional(),
  standIns: z.array(z.string()),
});

/** The start of a worker costs as much as the catalogs of this number of hosts. */
const HOSTS_PER_WORKER = 10;
const DAY_MS = 86_400_000;

interface Found {
  puppet: string | null;
  readonly byHost: Map<string, Compiled>;
  readonly standIns: Set<string>;
}

/**
 * Compiles in as many processes as this machine has processors. Each process compiles one
 * environment only, because Ruby code that a module defines stays in its process. Throws
 * PUPPET_FAILED when Puppet does not start.
 */
export async function compileSide(request: CompileRequest): Promise<CompiledSide> {
  const { hosts, workers = availableParallelism() } = request;
  const count = Math.max(1, Math.min(workers, Math.ceil(hosts.length / HOSTS_PER_WORKER)));
  const found: Found = { puppet: null, byHost: new Map(), standIns: new Set() };
  await Promise.all(
    Array.from({ length: count }, async (_, worker) => {
      const share = hosts.filter((__, index) => index % count === worker);
      await compileShare(request, { share, name: `${worker}`, found });
    }),
  );
  return found;
}

/**
 * When a host ends its process or never ends, only its own result is lost. The next process
 * continues.
 */
async function compileShare(
  request: CompileRequest,
  { share, name, found }: { share: readonly FactsPlace[]; name: string; found: Found },
): Promise<void> {
  let rest = share;
  for (let attempt = 0; rest.length > 0; attempt += 1) {
    const file = join(request.directory, `${name}.${attempt}`);
    const { done, failure } = await compileSome(request, rest, { file, found });
    const [certname] = rest[done] ?? [];
    if (failure === undefined) return;
    if (certname !== undefined) found.byHost.set(certname, { error: failure });
    rest = rest.slice(done + 1);
  }
}

async function compileSome(
  { puppet, env, shared, hostLimitMs, onCatalog }: CompileRequest,
  hosts: readonly FactsPlace[],
  { file, found }: { readonly file: string; readonly found: Found },
): Promise<{ readonly done: number; readonly failure?: string }> {
  const progress = { done: 0, hasStarted: false };
  const onAnswer = (answer: unknown): void => {
    if (!progress.hasStarted) {
      found.puppet ??= Started.parse(answer).puppet;
      progress.hasStarted = true;
      return;
    }
    const [certname] = hosts[progress.done] ?? [''];
    const { standIns, error, digest = '', offset = 0, length = 0 } = Result.parse(answer);
    for (const each of standIns) found.standIns.add(each);
    found.byHost.set(certname, error === undefined ? { file, digest, offset, length } : { error });
    progress.done += 1;
    onCatalog?.();
  };
  try {
    await runRuby(puppet, {
      program: 'compile_catalogs.rb',
      request: { ...shared, hosts, catalogs: file },
      ...{ env, limitMs: DAY_MS, silentMs: hostLimitMs, onAnswer },
    });
    return { done: progress.done };
  } catch (error) {
    const isOfOneHost =
      error instanceof CodedError && error.code === 'PUPPET_FAILED' && progress.hasStarted;
    if (!isOfOneHost) throw error;
    return { done: progress.done, failure: error.message };
  }
}
