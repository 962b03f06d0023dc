import { setTimeout } from 'node:timers/promises';

/**
 * Repeats the question until the answer is yes; an error counts as no. Throws after half a minute.
 */
export async function waitUntil(isSo: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  while (
    !(await Promise.resolve()
      .then(isSo)
      .catch(() => false))
  ) {
    if (Date.now() > giveUpAt) throw new Error('waited half a minute in vain');
    await setTimeout(20);
  }
}
