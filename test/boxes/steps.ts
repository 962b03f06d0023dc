import assert from 'node:assert/strict';
import { test } from 'node:test';

/** Tests that tell one story in order: after a failed one the others fail at once. */
export function steps(story: string): (name: string, body: () => Promise<void>) => void {
  let brokenBy: string | undefined;
  return (name, body) => {
    test(`${story}: ${name}`, async () => {
      assert.equal(brokenBy, undefined, 'an earlier step failed');
      brokenBy = name;
      await body();
      brokenBy = undefined;
    });
  };
}
