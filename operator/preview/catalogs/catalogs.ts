import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import type { Context } from '../../context.ts';
import type { CatalogsAnswer } from '../../diff-answer.ts';
import { findPuppet } from '../../puppet/find-puppet.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import type { Side } from '../sides/side.ts';
import { type Catalog, ChangeGroups, differences } from './changes.ts';
import { chooseHosts, type HostWish, majorOf } from './choose-hosts.ts';
import { type Compiled, type CompiledSide, compileSide } from './compile.ts';
import { writeEnvironment } from './environment-files.ts';
import { type FactsFile, writeFactsFile } from './facts-file.ts';

export interface CatalogsRequest {
  readonly place: TreePlace;
  /** The name of the environment for Puppet, on both sides. */
  readonly environment: string;
  readonly before: Side;
  readonly after: Side;
  readonly wish: HostWish;
  /** Temporary and empty. */
  readonly directory: string;
}

const HOST_LIMIT_MS = 60_000;
const MAX_STAND_INS = 100;

/**
 * Compares the catalogs of hosts. They are compiled on this machine for both sides, from the facts
 * that the hosts sent. Both sides use the same paths, one after the other, so that a path is never
 * a difference. Throws PUPPET_MISSING, PUPPET_FAILED, and USAGE when there is no such host.
 */
export async function compareCatalogs(
  context: Pick<Context, 'env' | 'now' | 'notice' | 'showProgress'>,
  request: CatalogsRequest,
): Promise<CatalogsAnswer> {
  const { place, environment, directory, wish } = request;
  const { env, notice } = context;
  const puppet = findPuppet(env);
  if (puppet === undefined) {
    throw new CodedError('no Puppet on this machine that could compile catalogs', {
      code: 'PUPPET_MISSING',
      next: 'apt-get install puppet-agent, or mm diff without --catalog, --sample and --group',
    });
  }
  const { certnames, unreadable, puppetMajor } = await chooseHosts(place, environment, wish);
  if (unreadable > 0)
    notice(`left out, because the status cannot be read: ${counted(unreadable, 'host')}`);
  const sides = [...new Set([request.before.name, request.after.name])].join(' and of ');
  notice(
    `compiling the catalogs of ${counted(certnames.length, 'host')}: the Ruby code of ${sides} runs as you`,
  );
  const facts = await writeFactsFile(place, certnames, join(directory, 'facts'));
  const shared = {
    environment,
    environmentPath: join(directory, 'environments'),
    privateDirectory: join(directory, 'puppet'),
    facts: facts.path,
    salt: randomBytes(32).toString('hex'),
    now: Math.floor(context.now() / 1000),
  };
  using progress = context.showProgress?.({ what: 'compiling', unit: 'catalog' });
  let done = 0;
  const compile = async (side: Side, name: string): Promise<CompiledSide> => {
    const results = join(directory, name);
    await mkdir(results);
    const manifest = await writeEnvironment(side, join(shared.environmentPath, environment));
    const compiled = await compileSide({
      ...{ puppet, env, directory: results, hosts: facts.hosts, hostLimitMs: HOST_LIMIT_MS },
      shared: { ...shared, manifest },
      onCatalog: () => progress?.at(++done, 2 * facts.hosts.length),
    });
    await rm(shared.environmentPath, { recursive: true });
    return compiled;
  };
  const before = await compile(request.before, 'before');
  const after = await compile(request.after, 'after');
  if (after.puppet !== null && puppetMajor > majorOf(after.puppet)) {
    notice(
      `hosts run Puppet ${puppetMajor}, which is stricter than ${after.puppet} of this machine: what compiles here may fail there`,
    );
  }
  return await compared(facts, before, after);
}

async function compared(
  { hosts, missing }: FactsFile,
  before: CompiledSide,
  after: CompiledSide,
): Promise<CatalogsAnswer> {
  const changes = new ChangeGroups();
  const failures = new Failures();
  for (const [certname, why] of missing) failures.add(certname, 'facts', why);
  let unchanged = 0;
  for (const [certname] of hosts) {
    const was = before.byHost.get(certname) ?? NO_ANSWER;
    const is = after.byHost.get(certname) ?? NO_ANSWER;
    if ('error' in was || 'error' in is) failures.addCompiled(certname, was, is);
    else if (was.digest === is.digest) unchanged += 1;
    else changes.add(certname, differences(await catalogOf(was), await catalogOf(is)));
  }
  return {
    puppet: after.puppet,
    hosts: hosts.length + missing.size,
    unchanged,
    changes: changes.answer(),
    failures: failures.answer(),
    standIns: [...new Set([...before.standIns, ...after.standIns])].sort().slice(0, MAX_STAND_INS),
  };
}

const NO_ANSWER: Compiled = { error: 'no answer' };

async function catalogOf(compiled: Exclude<Compiled, { error: string }>): Promise<Catalog> {
  const { file, offset, length } = compiled;
  await using opened = await open(file);
  const { buffer } = await opened.read(Buffer.alloc(length), 0, length, offset);
  return JSON.parse(buffer.toString('utf8')) as Catalog;
}

type Failure = CatalogsAnswer['failures'][number];

class Failures {
  readonly #groups = new Map<string, Failure>();

  add(certname: string, when: Failure['when'], error: string): void {
    const key = JSON.stringify([when, error]);
    const group = this.#groups.get(key) ?? { when, error, certnames: [] };
    this.#groups.set(key, group);
    group.certnames.push(certname);
  }

  addCompiled(certname: string, was: Compiled, is: Compiled): void {
    if ('error' in is) this.add(certname, 'error' in was ? 'both' : 'after', is.error);
    else if ('error' in was) this.add(certname, 'before', was.error);
  }

  /** Those of most hosts first. */
  answer(): Failure[] {
    return [...this.#groups.values()].sort((a, b) => b.certnames.length - a.certnames.length);
  }
}
