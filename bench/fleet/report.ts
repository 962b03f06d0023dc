import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from '../lab.ts';
import { atMost, figure, type Group, type Row, rowsOf } from '../rows.ts';
import { type Desk, one, runMm } from './desk.ts';
import type { PageFigures } from './page/figures.ts';

/** `mm fleet report`, and its page in a Chromium. */
export async function measureReport(desk: Desk, say: (line: string) => void): Promise<Group> {
  say('mm fleet report');
  const { cpuSeconds, wallSeconds, peakMb } = await runMm(desk, ['fleet', 'report']);
  const file = join(desk.folder, 'fleet.html');
  const { size } = await stat(file);
  const rows: Row[] = [
    one('mm fleet report: CPU', 's', cpuSeconds),
    one('mm fleet report: wall', 's', wallSeconds),
    one('mm fleet report: memory', 'MB', peakMb),
    one('size of the page', 'MB', size / 1e6, atMost(3)),
  ];
  say('the page in Chromium');
  rows.push(...(await rowsOf('the page in Chromium', () => pageRows(file))));
  return { title: 'Report', rows };
}

const runFile = promisify(execFile);

/** In a process of its own, which the compiler checks with the types of browsers. */
async function pageRows(file: string): Promise<Row[]> {
  // Here, not in the script of package.json: the other parts need no browser.
  if (process.env['MM_CHROMIUM'] === undefined)
    await runFile('sh', ['test/support/setup.sh', 'chromium'], { cwd: PROJECT });
  const program = join(import.meta.dirname, 'page/measure-page.ts');
  const { stdout } = await runFile(process.execPath, [program, file]);
  const { ready, searches, sorts } = JSON.parse(stdout) as PageFigures;
  return [
    figure(
      'until the page is ready',
      's',
      ready.map((ms) => ms / 1000),
      atMost(1.5),
    ),
    figure('a letter in its search', 'ms', searches, atMost(50)),
    one('the slowest of them', 'ms', Math.max(...searches)),
    figure('another order of its table', 'ms', sorts),
  ];
}
