import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { replacePrivateFile } from '../../files/replace-private-file.ts';
import { type HistoryPoint, readHistory } from '../../fleet/history.ts';
import { reportHtml } from '../../fleet/report/html.ts';
import { pageSource } from '../../fleet/report/page-source.ts';
import { readColumns } from '../../fleet/report/read-columns.ts';
import type { InstanceOptions } from '../../hosts/instances.ts';
import type { FleetReportAnswer } from './fleet-answers.ts';
import { copiedPlace, type OpenStore, storeDirectory, withStore } from './open-store.ts';

export interface ReportOptions extends CommonOptions, InstanceOptions {
  readonly output?: string | undefined;
  readonly open?: boolean | undefined;
}

/** `mm fleet report`: the copy as one page. Throws STATE_MISSING, FILE_FAILED. */
export async function fleetReport(context: Context, options: ReportOptions): Promise<Answer> {
  return await withStore(context, options, async (opened) => {
    const file = resolve(context.cwd, options.output ?? 'fleet.html');
    const { html, hosts } = await report(context, opened);
    // As private as the copy: it has errors of runs.
    replacePrivateFile(file, html);
    if (options.open === true) await show(file);
    const { bucket, tree } = opened.config;
    const bytes = Buffer.byteLength(html);
    const document: FleetReportAnswer = {
      ...{ schemaVersion: 1, bucket, tree },
      syncedAt: new Date(opened.syncedAt).toISOString(),
      ...{ hosts, bytes, file },
    };
    const line = `${file}: ${counted(hosts, 'host')}, ${(bytes / 1e6).toFixed(2)} MB`;
    return { document, lines: [line] };
  });
}

/** The page about an open copy. */
async function report(
  context: Pick<Context, 'env'>,
  opened: OpenStore,
): Promise<{ readonly html: string; readonly hosts: number }> {
  const place = await copiedPlace(opened.config, context);
  return await reportWith(opened, readHistory(storeDirectory(opened.config), place));
}

/** The page with that history. */
export async function reportWith(
  { config, store, syncedAt }: Pick<OpenStore, 'config' | 'store' | 'syncedAt'>,
  history: readonly HistoryPoint[],
): Promise<{ readonly html: string; readonly hosts: number }> {
  const { bucket, tree } = config;
  const columns = readColumns(store, syncedAt);
  const html = reportHtml(await pageSource(), { bucket, tree, syncedAt, history }, columns);
  return { html, hosts: columns.hosts };
}

/** Lets the desktop open the file. Throws USAGE where nothing can. */
async function show(file: string): Promise<void> {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(program, [file], { stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    const next = `open ${file} in a browser`;
    throw new CodedError(`cannot start ${program}`, { code: 'USAGE', cause, next });
  }
  child.unref();
}
