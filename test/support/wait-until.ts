import { setTimeout } from 'node:timers/promises';

/** Asks again until the answer is yes; an error is a no. Gives up after half a minute: then something is broken. */
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
