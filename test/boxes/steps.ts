import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { suites } from './suites.ts';

export type Step = (name: string, body: () => Promise<void>) => void;

/**
 * Tells a story in each suite that MM_TEST_SUITES names, one suite after the other. `tell` sets up
 * the box with `before` and `after` of node:test, and adds the steps.
 */
export function inEachSuite(story: string, tell: (suite: string, step: Step) => void): void {
  for (const suite of suites()) {
    describe(`${story}, ${suite}`, () => tell(suite, steps(`${story}, ${suite}`)));
  }
}

/** Tests that tell one story in order: after a failed one the others fail at once. */
function steps(story: string): Step {
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
