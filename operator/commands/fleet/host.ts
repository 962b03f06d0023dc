import type { StatusDocument } from '../../../bucket/documents/status.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { nearest } from '../../../shared/suggestion.ts';
import type { Answer, CommonOptions, Context, ListAnswer } from '../../context.ts';
import type { FleetStore } from '../../fleet/store.ts';
import { hostsFailing, storedHosts, storedStatus } from '../../fleet/stored-hosts.ts';
import { requireCertname } from '../../hosts/certnames.ts';
import type { StatusListAnswer } from '../../status-answer.ts';
import { statusLines } from '../status/lines.ts';
import { type ListOptions, printHosts } from '../status/list.ts';
import type { FleetWhyAnswer } from './fleet-answers.ts';
import { withStore } from './open-store.ts';

/** `mm fleet hosts`: as `mm status`, from the store. */
export async function fleetHosts(
  context: Context,
  options: ListOptions,
  print: (answer: ListAnswer<StatusListAnswer['hosts'][number]>) => Promise<void>,
): Promise<void> {
  await withStore(context, options, async ({ config, store, instances }) => {
    await printHosts(context, config, options, {
      source: (where) => storedHosts(store, where),
      ids: undefined,
      instances,
      print,
    });
  });
}

/** `mm fleet host <certname>`: the stored status of one host. */
export async function fleetHost(
  context: Context,
  certname: string,
  options: CommonOptions,
): Promise<Answer> {
  requireCertname(certname);
  return await withStore(context, options, async ({ store }) => {
    const document = requireStatus(store, certname);
    return { document, lines: statusLines(document, context.now()) };
  });
}

/** `mm fleet why <certname> <resource>`: what the last run did with a resource. */
export async function why(
  context: Context,
  { certname, resource }: { readonly certname: string; readonly resource: string },
  options: CommonOptions,
): Promise<Answer> {
  requireCertname(certname);
  return await withStore(context, options, async ({ config, store }) => {
    const { run, release } = requireStatus(store, certname);
    const failed = run?.failedResources.find((each) => each.resource === resource);
    const isChanged = run?.changedResources.includes(resource) === true;
    const document: FleetWhyAnswer = {
      ...{ schemaVersion: 1, bucket: config.bucket, tree: config.tree, certname, resource },
      outcome: failed !== undefined ? 'failed' : isChanged ? 'changed' : 'not-reported',
      run: run && { status: run.status, reason: run.reason, startedAt: run.startedAt },
      version: release?.version ?? null,
      message: failed?.message ?? null,
      file: failed?.file ?? null,
      line: failed?.line ?? null,
      hostsFailing: hostsFailing(store, resource),
    };
    if (document.outcome === 'not-reported') suggest(context, run, resource);
    return { document, lines: whyLines(document, run).map((line) => printable(line, 1000)) };
  });
}

/** Throws S3_NOT_FOUND, with the name that may have been meant. */
function requireStatus(store: FleetStore, certname: string): StatusDocument {
  const status = storedStatus(store, certname);
  if (status !== undefined) return status;
  const rows = store.database.prepare('SELECT certname FROM host').all();
  const meant = nearest(
    certname,
    rows.map((row) => String(row['certname'])),
  );
  const next = 'mm fleet hosts, to see which hosts are in the copy';
  throw new CodedError(`the copy has no status of ${certname} that can be read`, {
    code: 'S3_NOT_FOUND',
    next: meant === undefined || meant === certname ? next : `did you mean ${meant}? ${next}`,
  });
}

function suggest(context: Context, run: StatusDocument['run'], resource: string): void {
  const named = run?.failedResources.map((each) => each.resource) ?? [];
  const meant = nearest(resource, [...named, ...(run?.changedResources ?? [])]);
  if (meant !== undefined) context.notice(`did you mean ${printable(meant, 300)}?`);
}

function whyLines(answer: FleetWhyAnswer, run: StatusDocument['run']): string[] {
  const { certname, resource, outcome, version, message, file, line, hostsFailing: hosts } = answer;
  if (run === null) return [`${certname} has not run yet`];
  const at = file === null ? '' : ` (${file}:${line ?? '?'})`;
  const first = {
    failed: `${resource} failed on ${certname}: ${message}${at}`,
    changed: `${resource} was changed on ${certname}`,
    'not-reported': `${certname} reported nothing about ${resource}: a status names at most 20 failed and 20 changed resources`,
  }[outcome];
  const error = run.error === null ? [] : [`error of the run: ${run.error}`];
  const others = `it fails on ${counted(hosts, 'host')}: mm fleet hosts --where ${shellWord(`run.failedResources.resource=${resource}`)}`;
  return [
    first,
    `run ${run.status}, ${run.startedAt}, release ${version ?? 'none'}; ${run.reason}`,
    ...error,
    ...(hosts === 0 ? [] : [others]),
  ];
}
