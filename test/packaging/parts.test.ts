import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { PROGRAMS, ROOT } from '../../packaging/build.ts';
import { bundleProgram, type Part } from '../../packaging/bundle.ts';

/** What each command of the agent may load; on 100,000 hosts somebody pays for whatever else slips in. */

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

/** pino, and what it brings. */
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

test('parts: the daemon holds what a request and a line of the log need, and nothing else', () => {
  const request = ['@smithy/core', '@smithy/signature-v4', '@smithy/types'];
  assert.deepEqual(packagesOf('mm-agent-daemon.js'), [...request, ...LOG].sort());
});

test('parts: what the daemon may load needs no WebAssembly, as fetch does, for in lite mode there is none', () => {
  for (const name of ['daemon', 'sdk-bucket', 'credential-chain']) {
    const { contents } = parts.get(`mm-agent-${name}.js`) ?? assert.fail(name);
    assert.doesNotMatch(Buffer.from(contents).toString(), /\bfetch\(|\bWebAssembly\b/, name);
  }
});

test('parts: the settings are read from what was kept without any package', () => {
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

test('parts: all but the first are scripts, one strict function each, and leave no import to Node', () => {
  for (const { name, contents } of parts.values()) {
    if (name === 'mm-agent.mjs') continue;
    const text = Buffer.from(contents).toString();
    assert.match(text, /^\(function\([\w,]+\)\{\s*"use strict";.*\}\)\n$/s, name);
    assert.doesNotMatch(text, /\bimport(\(|[._]meta)/, name);
  }
});
