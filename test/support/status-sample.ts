import type { RunSummary, StatusDocument } from '../../bucket/documents/status.ts';

/** A run that changed nothing. */
export const sampleRun: RunSummary = {
  id: '20261123T100000Z-abc123',
  status: 'unchanged',
  reason: 'the apply schedule is due',
  noop: false,
  exitCode: 0,
  startedAt: '2026-11-23T10:00:00.000Z',
  durationSeconds: 4.2,
  resources: {
    total: 107,
    changed: 0,
    failed: 0,
    skipped: 0,
    outOfSync: 0,
    restarted: 0,
    corrective: 0,
  },
  failedResources: [],
  changedResources: [],
  changedResourcesTotal: 0,
  error: null,
};

/** The status of a healthy host. */
export const sampleStatus: StatusDocument = {
  schemaVersion: 1,
  certname: 'web1.example.com',
  tree: 'ubuntu',
  environment: 'stable',
  groups: ['canary'],
  versions: { agent: '0.1.0', node: '24.21.0', puppet: '7.23.0', facter: '4.3.0' },
  writtenAt: '2026-11-23T10:00:05.000Z',
  release: {
    version: '1.4.2',
    release: '20261123T090000Z-0123456789ab',
    sha256: '0123456789ab'.padEnd(64, '0'),
    commit: 'c'.repeat(40),
    activatedAt: '2026-11-23T09:05:00.000Z',
  },
  offered: null,
  trust: {
    state: 'ok',
    error: null,
    versions: { root: 1, timestamp: 12, snapshot: 9, targets: 1, 'env-stable': 4 },
    daysToExpiry: { root: 300, timestamp: 12, snapshot: 364, targets: 300, 'env-stable': 170 },
    clockOffsetSeconds: 0,
  },
  run: sampleRun,
  times: {
    lastCheckAt: '2026-11-23T10:00:00.000Z',
    lastDownloadAt: '2026-11-23T09:04:59.000Z',
    lastActivationAt: '2026-11-23T09:05:00.000Z',
    lastRunAt: '2026-11-23T10:00:00.000Z',
    lastSuccessAt: '2026-11-23T10:00:05.000Z',
    nextExpectedAt: '2026-11-23T12:00:05.000Z',
  },
  disabled: null,
  offline: { runs: 0, skipped: 0 },
  vitals: {
    uptimeSeconds: 86_400,
    memoryUsedPercent: 41,
    rootDiskUsedPercent: 63,
    load1: 0.08,
    batteryPercent: null,
  },
  facts: { 'os.name': 'Ubuntu', 'os.release.full': '24.04', kernel: 'Linux' },
  factsDigest: 'f'.repeat(64),
};
