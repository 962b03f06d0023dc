import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPuppet } from '../../../../operator/puppet/find-puppet.ts';
import { checkFiles } from '../../../../operator/release/gates/check-files.ts';
import type { FileEntry } from '../../../../operator/release/tree/tree.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { file } from '../fixture.ts';

const puppet = findPuppet(process.env) ?? assert.fail('these tests need Puppet');

/** Ruby that begins with the second file, and never ends it. */
const HANGS = `require File.expand_path("answers", File.dirname(ARGV[0])); Answers.request
  Answers.say({ tools: { puppet: "8", ruby: "3", lint: nil } })
  2.times { |index| Answers.say({ at: [0, index] }) }
  sleep`;

test('gates: a file that keeps Puppet busy forever ends them, and is named', async (t) => {
  const { path, arguments: first } = puppet.ruby;
  const files = ['manifests/site.pp', 'modules/m/hiera.yaml'].map((name) => ({
    entry: file(name, '') as FileEntry,
    ...({ kind: 'puppet', module: undefined, isLinted: false } as const),
  }));
  const checking = checkFiles({
    puppet: { ...puppet, ruby: { path, arguments: [...first, '-e', HANGS] } },
    ...{ env: process.env, files, silentMs: 3000, directory: await temporaryDirectory(t) },
    surroundings: { modulepath: [], manifest: null, present: {}, lint: undefined },
  });
  await assert.rejects(checking, { code: 'PUPPET_FAILED', message: /modules\/m\/hiera\.yaml$/ });
});
