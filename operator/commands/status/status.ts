import { Certname } from '../../../bucket/documents/names.ts';
import { hostStatusKey, hostStatusPrefix } from '../../../bucket/layout.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { StatusListAnswer } from '../../answers.ts';
import { table } from '../../cli/table.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { type OpenTree, withTree } from '../../open-tree.ts';
import { MAX_STATUS_BYTES, readStatusDocument } from './document.ts';
import { statusLines } from './lines.ts';

type HostLine = StatusListAnswer['hosts'][number];

/** Number of requests at the same time. */
const PARALLEL = 16;

/** `mm status`: the last status of one host, or one line for each host. */
export async function status(
  context: Context,
  certname: string | undefined,
  options: CommonOptions,
): Promise<Answer> {
  return await withTree(context, options, (tree) =>
    certname === undefined ? listHosts(tree) : showHost(context, tree, certname),
  );
}

async function showHost(
  context: Context,
  { config, bucket }: OpenTree,
  certname: string,
): Promise<Answer> {
  if (!Certname.safeParse(certname).success) {
    throw new CodedError(`${JSON.stringify(certname)} is not a certname`, {
      code: 'USAGE',
      next: 'mm status, to see which hosts have reported',
    });
  }
  const key = hostStatusKey(config.tree, certname);
  const answer = await bucket.get(key, { maxBytes: MAX_STATUS_BYTES }).catch((cause: unknown) => {
    if (!(cause instanceof CodedError && cause.code === 'S3_NOT_FOUND')) throw cause;
    throw new CodedError(`${certname} has never reported: no s3://${bucket.name}/${key}`, {
      code: 'S3_NOT_FOUND',
      cause,
      next: 'mm status, to see which hosts have reported',
    });
  });
  const bytes = answer.kind === 'object' ? answer.bytes : Buffer.alloc(0);
  const document = readStatusDocument(bytes, { certname, key });
  return { document, lines: statusLines(document, context.now()) };
}

async function listHosts({ config, bucket }: OpenTree): Promise<Answer> {
  const prefix = hostStatusPrefix(config.tree);
  const hosts: HostLine[] = [];
  const pending = new Set<Promise<void>>();
  for await (const { key, lastModified } of bucket.list(prefix)) {
    const line: HostLine = emptyLine(key.slice(prefix.length), lastModified);
    hosts.push(line);
    const reading = fillLine(line, { config, bucket }, key).finally(() => pending.delete(reading));
    pending.add(reading);
    if (pending.size >= PARALLEL) await Promise.race(pending);
  }
  await Promise.all(pending);
  const { tree } = config;
  const document: StatusListAnswer = { schemaVersion: 1, bucket: bucket.name, tree, hosts };
  return { document, lines: listLines(hosts) };
}

function emptyLine(file: string, lastModified: number): HostLine {
  return {
    certname: printable(file.replace(/\.json$/, ''), 200),
    receivedAt: new Date(lastModified).toISOString(),
    environment: null,
    version: null,
    run: null,
    trust: null,
    problem: null,
  };
}

/** An invalid status becomes the problem of its own line, so that the other hosts stay visible. */
async function fillLine(line: HostLine, { bucket }: OpenTree, key: string): Promise<void> {
  try {
    const answer = await bucket.get(key, { maxBytes: MAX_STATUS_BYTES });
    const bytes = answer.kind === 'object' ? answer.bytes : Buffer.alloc(0);
    const { environment, release, run, trust } = readStatusDocument(bytes, {
      certname: line.certname,
      key,
    });
    line.environment = environment;
    line.version = release === null ? null : printable(release.version, 64);
    line.run = run?.status ?? null;
    line.trust = printable(trust.state, 100);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    line.problem = printable(error.message, 200);
  }
}

function listLines(hosts: readonly HostLine[]): string[] {
  if (hosts.length === 0) return ['no host has reported yet'];
  const rows = hosts.map(({ certname, environment, version, run, trust, receivedAt, problem }) =>
    problem === null
      ? [certname, run ?? 'no run', environment ?? '', version ?? 'none', trust ?? '', receivedAt]
      : [certname, problem],
  );
  return table([['certname', 'run', 'environment', 'version', 'trust', 'received'], ...rows]);
}
