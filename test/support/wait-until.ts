import { setTimeout } from 'node:timers/promises';

/**
 * Repeats the question until the answer is yes; an error counts as no. Throws after two
 * minutes: a busy machine is slow.
 */
export async function waitUntil(isSo: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + 120_000;
  while (
    !(await Promise.resolve()
      .then(isSo)
      .catch(() => false))
  ) {
    if (Date.now() > giveUpAt)
      throw new Error('what a test waits for did not happen within two minutes');
    await setTimeout(20);
  }
}
