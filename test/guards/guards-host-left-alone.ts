import type { Guard } from './guards.ts';

/** What a host must not lose, and what must not leave it. */
export const LEFT_ALONE_GUARDS: readonly Guard[] = [
  {
    invariant: 'facts.deny',
    file: 'agent/core/facts/facts.ts',
    line: "  'gce.project.attributes',",
    instead: '',
    test: 'test/agent/core/facts/facts.test.ts',
    name: '^secrets of clouds',
  },
  {
    invariant: 'credentials',
    file: 'agent/core/run/safe-text.ts',
    line: 'redact(cleanText(text, MAX_INPUT))',
    instead: 'cleanText(redact(text), MAX_INPUT)',
    test: 'test/agent/core/run/outcome-summary.test.ts',
    name: '^no credential gets into it',
  },
  {
    invariant: 'full disk',
    file: 'agent/disk/reserve.ts',
    line: '  return () => fill(paths, name);',
    instead: '  return () => undefined;',
    test: 'test/agent/disk/reserve.test.ts',
    name: '^reserve: after no space',
  },
  {
    invariant: 'full disk',
    file: 'agent/disk/reserve.ts',
    line: "if (diskCode(error) !== 'DISK_FULL' || reserveBytes(paths, name) === 0) throw error;",
    instead: 'if (reserveBytes(paths, name) === 0) throw error;',
    test: 'test/agent/disk/reserve.test.ts',
    name: '^reserve: another error',
  },
  {
    invariant: 'bundle',
    file: 'agent/commands/doctor/secrets.ts',
    line: '    ...Object.values(run.environment ?? {}),',
    instead: '',
    test: 'test/e2e/doctor.test.ts',
    name: '^doctor: --bundle has',
  },
  {
    invariant: 'bundle',
    file: 'agent/commands/doctor/bundle.ts',
    line: "withOpenFile(path, 'wx', 0o600, (fd) => {",
    instead: "withOpenFile(path, 'w', 0o644, (fd) => {",
    test: 'test/e2e/doctor.test.ts',
    name: '^doctor: --bundle has',
  },
  {
    invariant: 'full disk',
    file: 'agent/core/health/health.ts',
    line: 'view.isOffline || run.errorCode !== undefined',
    instead: 'view.isOffline',
    test: 'test/agent/core/health/health.test.ts',
    name: 'the disk was full',
  },
];
