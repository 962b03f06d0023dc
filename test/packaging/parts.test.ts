import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { PROGRAMS, ROOT } from '../../packaging/build.ts';
import { bundleProgram, type Part } from '../../packaging/bundle.ts';

/** What each command of the agent may load: on 100,000 hosts anything more is expensive. */

const parts = new Map<string, Part>();
before(async () => {
  const entry = PROGRAMS['mm-agent'];
  const request = { root: ROOT, program: 'mm-agent', entry, plugins: [] };
  for (const part of await bundleProgram(request)) parts.set(part.name, part);
});

function packagesOf(name: string): readonly string[] {
  const { inputs } = parts.get(name) ?? assert.fail(`there is no ${name}`);
  const names = inputs.map((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  return [...new Set(names.filter((found) => found !== undefined))].sort();
}

test('parts: --version loads no package', () => {
  assert.deepEqual(packagesOf('mm-agent.mjs'), []);
});

/** pino and its dependencies. */
const LOG = [
  '@pinojs/redact',
  'atomic-sleep',
  'on-exit-leak-free',
  'pino',
  'pino-std-serializers',
  'quick-format-unescaped',
  'safe-stable-stringify',
  'sonic-boom',
  'thread-stream',
];

test('parts: the daemon loads only what a request and a log line need', () => {
  const request = ['@smithy/core', '@smithy/signature-v4', '@smithy/types'];
  assert.deepEqual(packagesOf('mm-agent-daemon.js'), [...request, ...LOG].sort());
});

test('parts: the daemon loads nothing that needs WebAssembly, as fetch does: lite mode has no WebAssembly', () => {
  for (const name of ['daemon', 'sdk-bucket', 'credential-chain']) {
    const { contents } = parts.get(`mm-agent-${name}.js`) ?? assert.fail(name);
    assert.doesNotMatch(Buffer.from(contents).toString(), /\bfetch\(|\bWebAssembly\b/, name);
  }
});

test('parts: the cached settings are read without any package', () => {
  assert.deepEqual(packagesOf('mm-agent-settings.js'), []);
});

test('parts: a cycle with nothing new loads neither YAML nor tar nor the whole SDK', () => {
  const rare = ['@aws-sdk/', 'node-cron', 'tar', 'yaml'];
  const found = packagesOf('mm-agent-once.js');
  assert.ok(found.includes('tuf-js'));
  assert.deepEqual(
    found.filter((name) => rare.some((prefix) => name.startsWith(prefix))),
    [],
  );
});

test('parts: all but the first are scripts with one strict function each, and contain no import', () => {
  for (const { name, contents } of parts.values()) {
    if (name === 'mm-agent.mjs') continue;
    const text = Buffer.from(contents).toString();
    assert.match(text, /^\(function\([\w,]+\)\{\s*"use strict";.*\}\)\n$/s, name);
    assert.doesNotMatch(text, /\bimport(\(|[._]meta)/, name);
  }
});
