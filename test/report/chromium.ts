import { type Browser, chromium } from 'playwright-core';

/** Starts the Chromium of the system: Debian's package, which the set-up installs. */
export function startChromium(): Promise<Browser> {
  const path = process.env['MM_CHROMIUM'] ?? '/usr/bin/chromium';
  // Its sandbox does not start as root, and the pages of tests are our own.
  const args = process.geteuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: path, args });
}
