import { pathToFileURL } from 'node:url';
import { startChromium } from '../../../test/report/chromium.ts';
import type { PageFigures } from './figures.ts';

/** What a person types, a letter after the other. */
const SEARCHES = ['host12', 'ubuntu 24.04', 'chronyd', 'web'];
const OPENINGS = 3;

/** Opens the report in a Chromium, and measures until the browser has laid out what changed. */
async function measurePage(file: string): Promise<PageFigures> {
  const figures = { ready: [] as number[], searches: [] as number[], sorts: [] as number[] };
  const browser = await startChromium();
  try {
    for (let opening = 0; opening < OPENINGS; opening += 1) {
      const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
      await page.goto(pathToFileURL(file).href);
      const ready = await page.waitForFunction(
        () => performance.getEntriesByName('ready')[0]?.startTime,
      );
      figures.ready.push(Number(await ready.jsonValue()));
      figures.searches.push(...(await page.evaluate(typeAll, SEARCHES)));
      figures.sorts.push(...(await page.evaluate(sortAll)));
      await page.close();
    }
  } finally {
    await browser.close();
  }
  return figures;
}

/** Runs in the page. */
function typeAll(texts: readonly string[]): number[] {
  const search = document.querySelector<HTMLInputElement>('#search');
  if (search === null) throw new Error('the page has no search');
  const times: number[] = [];
  for (const text of texts) {
    for (let length = 1; length <= text.length; length += 1) {
      const startedAt = performance.now();
      search.value = text.slice(0, length);
      search.dispatchEvent(new Event('input'));
      document.body.getBoundingClientRect();
      times.push(performance.now() - startedAt);
    }
  }
  search.value = '';
  search.dispatchEvent(new Event('input'));
  return times;
}

/** Runs in the page. */
function sortAll(): number[] {
  return [...document.querySelectorAll<HTMLElement>('[role=columnheader] button')].map((button) => {
    const startedAt = performance.now();
    button.click();
    document.body.getBoundingClientRect();
    return performance.now() - startedAt;
  });
}

process.stdout.write(JSON.stringify(await measurePage(process.argv[2] ?? 'fleet.html')));
