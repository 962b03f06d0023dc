import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { madeStatus } from '../../bench/fleet/statuses.ts';
import {
  BUCKET,
  initialized,
  type OperatorLab,
  type Owner,
  TREE,
} from '../operator/operator-lab.ts';
import { builtProgram } from '../support/built-program.ts';
import { HOSTILE_TEXTS } from '../support/hostile-texts.ts';
import { sampleRun } from '../support/status-sample.ts';

/** Hosts that fail in another way than all others. */
export const SUSPECT = { certname: 'suspect.example.com', resource: 'Exec[/usr/bin/one-off]' };
export const HOSTILE = 'hostile.example.com';
const HOSTS = 3000;

export interface ReportLab {
  /** Path of the report. */
  readonly file: string;
  /** Runs mm as its users start it. Returns the document of `--json`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at single fields of many documents
  mm(...words: string[]): Promise<any>;
}

/** A report by the real commands, from a bucket with the statuses of a fleet. */
export async function reportLab(t: Owner): Promise<ReportLab> {
  const lab = await initialized(t);
  const now = Date.now();
  for (let number = 0; number < HOSTS; number += 1) {
    const { certname, status, receivedAt } = madeStatus(number, 0, now);
    put(lab, certname, JSON.stringify({ ...status, tree: TREE }), receivedAt);
  }
  const { status } = madeStatus(1, 0, now);
  const run = { ...sampleRun, status: 'failed' as const };
  const failed = (resource: string, message: string) => ({
    ...{ resource, message, file: null, line: null },
  });
  const suspect = { ...run, failedResources: [failed(SUSPECT.resource, 'returned 7')] };
  put(
    lab,
    SUSPECT.certname,
    JSON.stringify({ ...status, certname: SUSPECT.certname, run: suspect }),
  );
  const hostile = {
    ...status,
    certname: HOSTILE,
    groups: HOSTILE_TEXTS,
    release: { ...status.release, version: HOSTILE_TEXTS[4] },
    run: { ...run, failedResources: HOSTILE_TEXTS.map((text) => failed(text, text)) },
    facts: { ...status.facts, 'os.name': HOSTILE_TEXTS[1], role: HOSTILE_TEXTS[2] },
  };
  put(lab, HOSTILE, JSON.stringify(hostile));
  put(lab, HOSTILE_TEXTS[1].replaceAll('/', ''), HOSTILE_TEXTS[0]);
  const [node = '', ...program] = await builtProgram('mm');
  const environment = { ...process.env, HOME: join(lab.directory, 'home') };
  await mkdir(environment.HOME, { recursive: true });
  const mm = async (...words: string[]) => {
    const options = { cwd: lab.repository, env: environment, maxBuffer: 2 ** 26 };
    const { stdout } = await runFile(node, [...program, ...words, '--json'], options);
    return JSON.parse(stdout);
  };
  const { file } = await mm('fleet', 'sync');
  await addEarlierPoints(join(dirname(file), 'history.json'), now);
  return { file: (await mm('fleet', 'report')).file, mm };
}

/** As if somebody had also synced on each of the ten days before. */
async function addEarlierPoints(file: string, now: number): Promise<void> {
  const history = JSON.parse(await readFile(file, 'utf8'));
  const days = Array.from({ length: 10 }, (_, day) => ({
    at: new Date(now - (10 - day) * 86_400_000).toISOString(),
    hosts: { unchanged: 2000 + 30 * day, failed: 1000 - 90 * day },
  }));
  history.points = [...days, ...history.points];
  await writeFile(file, JSON.stringify(history));
}

const runFile = promisify(execFile);

function put({ server }: OperatorLab, name: string, text: string, at = Date.now()): void {
  server.dateOffsetMs = at - Date.now();
  server.put(BUCKET, `${TREE}/status/hosts/${name}.json`, text);
  server.dateOffsetMs = 0;
}

export interface Site {
  readonly url: string;
  /** Paths that were asked for. */
  readonly requests: string[];
}

/** Serves a file on loopback, as a bucket would. */
export async function siteOf(t: Owner, file: string): Promise<Site> {
  const bytes = await readFile(file);
  const requests: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    requests.push(url);
    response.setHeader('content-type', 'text/html').end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { url: `http://127.0.0.1:${address.port}/fleet.html`, requests };
}
