import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { HOSTILE_TEXTS } from '../support/hostile-texts.ts';
import { startChromium } from './chromium.ts';
import { unreadableTexts } from './readable.ts';
import { HOSTILE, type ReportLab, reportLab, SUSPECT, siteOf } from './report-lab.ts';

/* The report of the built mm, in a real Chromium. */

const ends: (() => unknown)[] = [];
const owner = { after: (end: () => unknown) => void ends.push(end) };
let browser: Browser;
let lab: ReportLab;
/** The folder for pictures that somebody wants to look at. */
const pictures = process.env['MM_TEST_PICTURES'];

before(async () => {
  [browser, lab] = await Promise.all([startChromium(), reportLab(owner)]);
});
after(async () => {
  await browser.close();
  for (const end of ends) await end();
});

interface Opened {
  readonly page: Page;
  /** What the page and the browser complain about. */
  readonly complaints: string[];
  /** What the browser asked for. */
  readonly requests: string[];
}

async function opened(options: BrowserContextOptions = {}, url?: string): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, ...options });
  const [complaints, requests]: [string[], string[]] = [[], []];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url ?? pathToFileURL(lab.file).href);
  await page.waitForFunction(() => performance.getEntriesByName('ready').length > 0);
  return { page, complaints, requests };
}

const rows = (page: Page) => page.locator('.rows .row:visible');
const search = (page: Page, text: string) => page.getByRole('searchbox').fill(text);

test('report: asks for nothing but itself, from the disk and from a server', async () => {
  const site = await siteOf(owner, lab.file);
  for (const url of [pathToFileURL(lab.file).href, site.url]) {
    const { page, complaints, requests } = await opened({}, url);
    assert.equal(await rows(page).first().locator('.state').textContent(), 'Failed');
    assert.deepEqual([requests, complaints], [[url], []]);
    await page.close();
  }
  assert.deepEqual(site.requests, ['/fleet.html']);
});

test('report: the texts of a hostile host are text, wherever they are shown', async () => {
  const { page, complaints, requests } = await opened();
  const unreadable = page.getByRole('button', { name: /^Unreadable: 1 host/ });
  await unreadable.click();
  assert.match((await rows(page).first().textContent()) ?? '', /<img src=x onerror=/);
  await unreadable.click();
  await search(page, HOSTILE);
  await rows(page).first().click();
  const details = page.getByRole('dialog');
  for (const text of HOSTILE_TEXTS.slice(0, 7))
    assert.ok((await details.textContent())?.includes(text));
  await page.keyboard.press('Escape');
  const choice = page.getByRole('combobox');
  for (const { value } of await choice
    .locator('option')
    .evaluateAll((all) => all.map((each) => ({ value: (each as HTMLOptionElement).value })))) {
    await choice.selectOption(value);
  }
  await page.mouse.move(10, 10);
  const ran = await page.evaluate(() => [
    ...['pwned' in globalThis, document.scripts.length],
    document.querySelectorAll('img, svg svg, iframe, object, [onerror], [onload], [onmouseover]')
      .length,
  ]);
  assert.deepEqual(ran, [false, 2, 0]);
  assert.deepEqual([requests.length, complaints], [1, []]);
  await page.close();
});

test('report: the policy stops a script that got into the page all the same', async () => {
  const { page, complaints } = await opened();
  const error = await page.evaluate(() => {
    const script = document.createElement('script');
    script.append('globalThis.pwned = 1');
    document.body.append(script);
    try {
      document.body.insertAdjacentHTML('beforeend', '<p>');
    } catch (thrown) {
      return [String(thrown), 'pwned' in globalThis];
    }
    return [];
  });
  assert.match(String(error[0]), /TrustedHTML/);
  assert.equal(error[1], false);
  assert.match(complaints.join('\n'), /requires 'TrustedScript' assignment/);
  await page.close();
});

test('report: the search finds a failing host, and Enter shows it', async () => {
  const { page } = await opened();
  await search(page, `one-off ${SUSPECT.certname.slice(0, 7)}`);
  assert.equal(await page.getByRole('status').textContent(), '1 of 3,003 hosts');
  assert.equal(await rows(page).count(), 1);
  await page.getByRole('grid').focus();
  await page.keyboard.press('Enter');
  const details = await page.getByRole('dialog').textContent();
  assert.match(details ?? '', /returned 7/);
  assert.ok(details?.includes(`mm fleet why ${SUSPECT.certname} '${SUSPECT.resource}'`));
  await page.close();
});

test('report: counts as mm fleet status does, and a click selects', async () => {
  const { page } = await opened();
  const { hosts } = await lab.mm('fleet', 'hosts', '--failed', '--stale');
  const { summary } = await lab.mm('fleet', 'status');
  const silent = page.getByRole('button', { name: /^Silent: / });
  const failing = await silent.getAttribute('aria-label');
  assert.match(failing ?? '', new RegExp(`^Silent: ${summary.stale} hosts`));
  await silent.click();
  await page.getByRole('button', { name: /^Failed: / }).click();
  const shown = await page.getByRole('grid').getAttribute('aria-rowcount');
  assert.equal(
    Number(shown) - 1,
    summary.stale +
      summary.runs.failed -
      hosts.filter(({ run }: { run: string }) => run === 'failed').length,
  );
  await page.getByRole('button', { name: /^Remove the condition State/ }).click();
  assert.equal(await page.getByRole('status').textContent(), '3,003 hosts');
  await page.close();
});

test('report: saves the hosts that are shown', async () => {
  const { page } = await opened();
  await search(page, HOSTILE.slice(0, 7));
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as CSV' }).click();
  const text = await readFile(await (await saved).path(), 'utf8');
  const [head, line, ...rest] = text.trimEnd().split('\n');
  assert.match(head ?? '', /^certname,ageSeconds,runSeconds,state,/);
  assert.ok(line?.startsWith(`${HOSTILE},`) && line.includes(',failed,'));
  assert.deepEqual(rest, []);
  await page.close();
});

test('report: shows how the states were at another time', async () => {
  const { page } = await opened();
  const failed = page.locator('.series-row').filter({ hasText: 'Failed' });
  await page.getByRole('slider').focus();
  await page.keyboard.press('Home');
  assert.match((await failed.textContent()) ?? '', /1,000$/);
  await page.keyboard.press('ArrowRight');
  assert.match((await failed.textContent()) ?? '', /910$/);
  await page.close();
});

test('report: the keyboard reaches everything, and everything has a name', async () => {
  const { page } = await opened();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the hosts');
  await page.keyboard.press('Enter');
  const reached: string[] = [];
  for (let step = 0; step < 11; step += 1) {
    await page.keyboard.press('Tab');
    reached.push(
      await page.evaluate(
        () => document.activeElement?.getAttribute('role') ?? document.activeElement?.tagName ?? '',
      ),
    );
  }
  assert.deepEqual(reached, ['INPUT', 'BUTTON', 'grid', ...Array(8).fill('BUTTON')]);
  const grid = page.getByRole('grid');
  await grid.focus();
  await page.keyboard.press('End');
  const active = () =>
    page.evaluate(() => {
      const id = document.activeElement?.getAttribute('aria-activedescendant') ?? '';
      const row = document.getElementById(id);
      const { top, bottom } = row?.getBoundingClientRect() ?? { top: -1, bottom: -1 };
      const box = document.activeElement?.getBoundingClientRect();
      return {
        row: Number(row?.getAttribute('aria-rowindex')),
        isVisible: box !== undefined && top >= box.top && bottom <= box.bottom + 1,
      };
    });
  assert.deepEqual(await active(), { row: 3004, isVisible: true });
  await page.keyboard.press('PageUp');
  await page.keyboard.press('ArrowUp');
  const { row, isVisible } = await active();
  assert.ok(row < 3000 && row > 2900 && isVisible);
  await page.keyboard.press('Home');
  assert.deepEqual(await active(), { row: 2, isVisible: true });
  assert.ok((await page.locator('.rows .row').count()) < 80, 'only the visible rows exist');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('role')), 'grid');
  const tree = await page.locator('body').ariaSnapshot();
  const nameless = tree.match(
    /^\s*- (?:button|searchbox|combobox|slider|grid|img|dialog|option)(?: \[[^\]]*\])*:?$/gm,
  );
  assert.equal(nameless, null);
  await page.close();
});

const LOOKS = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: {
    colorScheme: 'light',
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
  },
  'phone-dark': {
    colorScheme: 'dark',
    viewport: { width: 360, height: 740 },
    isMobile: true,
    hasTouch: true,
  },
} as const;

async function picture(page: Page, name: string): Promise<void> {
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, name), fullPage: true });
}

test('report: readable in dark and in light, on a screen and on a phone', async () => {
  const backgrounds = new Set<string>();
  for (const [name, look] of Object.entries(LOOKS)) {
    const { page } = await opened(look);
    assert.deepEqual(await page.evaluate(unreadableTexts), [], name);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.equal(wide, 0, `${name}: nothing is beside the page`);
    const cut = await page
      .locator('.tile-label, .band-label')
      .evaluateAll((labels) =>
        labels
          .filter((each) => each.scrollWidth > each.clientWidth)
          .map((each) => each.textContent),
      );
    assert.deepEqual(cut, [], `${name}: labels have room`);
    backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await picture(page, `${name}.png`);
    await rows(page).first().click();
    assert.deepEqual(await page.evaluate(unreadableTexts), [], `${name}: details`);
    const widths = await page.locator('dd').evaluateAll((all) => all.map((dd) => dd.clientWidth));
    assert.ok(Math.min(...widths) > 140, `${name}: values have room`);
    await picture(page, `${name}-details.png`);
    await page.close();
  }
  assert.equal(backgrounds.size, 2);
});
