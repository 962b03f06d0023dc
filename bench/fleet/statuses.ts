import type { StatusDocument } from '../../bucket/documents/status.ts';
import { sampleRun, sampleStatus } from '../../test/support/status-sample.ts';

/*
 * Statuses of a fleet that is mostly healthy: 2 % fail, a few failures explain most of that, four
 * releases are active, and 4 % of the hosts have been silent for more than a day. The same number
 * always gives the same host.
 */

export interface MadeStatus {
  readonly certname: string;
  readonly status: StatusDocument;
  /** In ms since 1970. */
  readonly receivedAt: number;
}

/** A host that fails in every generated fleet of more than this many hosts. */
export const FAILING = 1234;
export const FAILING_RESOURCE = 'File[/etc/app/app.yaml]';

/** The status of the host with that number. `round` changes what the host reports. */
export function madeStatus(number: number, round: number, now: number): MadeStatus {
  const chance = randomOf(number);
  const certname = certnameOf(number, chance);
  const site = SITES[Math.floor(chance() ** 2 * SITES.length)] ?? SITES[0];
  const os = SYSTEMS[Math.floor(chance() ** 2 * SYSTEMS.length)] ?? SYSTEMS[0];
  const role = ROLES[Math.floor(chance() ** 2 * ROLES.length)] ?? 'web';
  const version = VERSIONS[Math.floor(chance() ** 3 * VERSIONS.length)] ?? VERSIONS[0];
  const silentMs = chance() < 0.04 ? (1 + 20 * chance()) * 86_400_000 : chance() * 3_600_000;
  const receivedAt = Math.floor(now - silentMs);
  const at = (ago: number): string => new Date(receivedAt - ago).toISOString();
  const [address, digest] = [Math.floor(chance() * 2 ** 24), hexOf(chance, 64)];
  const status: StatusDocument = {
    ...sampleStatus,
    certname,
    environment: site.environment,
    groups: [role, ...(chance() < 0.03 ? ['canary'] : [])],
    hostId: hexOf(chance, 16),
    versions: { ...sampleStatus.versions, agent: chance() < 0.9 ? '0.1.0' : '0.0.9' },
    writtenAt: at(0),
    release: {
      version,
      release: `20261123T090000Z-${version.replaceAll('.', '')}`,
      sha256: version.replaceAll('.', '').padEnd(64, '0'),
      commit: 'c'.repeat(40),
      activatedAt: at(40_000_000),
    },
    trust: { ...sampleStatus.trust, clockOffsetSeconds: Math.floor(chance() * 3) - 1 },
    run: runOf(number, chance, at(30_000)),
    times: {
      ...sampleStatus.times,
      lastCheckAt: at(60_000),
      lastRunAt: at(30_000),
      lastSuccessAt: at(30_000),
      nextExpectedAt: at(-7_200_000),
    },
    disabled:
      chance() < 0.002 ? { reason: 'a migration of the database', by: 'ann', until: null } : null,
    vitals: {
      uptimeSeconds: Math.floor(chance() * 9_000_000) + round,
      memoryUsedPercent: Math.floor(chance() * 100),
      rootDiskUsedPercent: Math.floor(chance() ** 2 * 100),
      load1: Math.floor(chance() * 400) / 100,
      batteryPercent: null,
    },
    facts: {
      'os.name': os.name,
      'os.family': os.family,
      'os.release.full': os.release,
      'os.distro.codename': os.codename,
      'os.architecture': chance() < 0.8 ? 'amd64' : 'arm64',
      kernel: 'Linux',
      kernelrelease: os.kernel,
      virtual: 'kvm',
      'processors.count': 2 ** Math.floor(chance() * 6),
      'memory.system.total_bytes': 2 ** (31 + Math.floor(chance() * 5)),
      'dmi.manufacturer': 'Amazon EC2',
      'dmi.product.name': 'm7i.large',
      'networking.fqdn': certname,
      'networking.ip': `10.${address >> 16}.${(address >> 8) & 255}.${address & 255}`,
      timezone: 'UTC',
      'ec2_metadata.instance-id': `i-${digest.slice(0, 17)}`,
      'ec2_metadata.instance-type': 'm7i.large',
      'ec2_metadata.placement.availability-zone': `${site.region}a`,
      role,
    },
    factsDigest: digest,
  };
  return { certname, status, receivedAt };
}

function runOf(number: number, chance: () => number, startedAt: string): StatusDocument['run'] {
  const run = { ...sampleRun, startedAt, durationSeconds: Math.floor(20 + 300 * chance() ** 4) };
  const kind = number === FAILING ? 0 : chance();
  const resources = { ...sampleRun.resources!, total: 300 + Math.floor(chance() * 300) };
  if (kind < 0.02) {
    const failure = FAILURES[number === FAILING ? 0 : Math.floor(chance() ** 2 * FAILURES.length)];
    const failedResources = failure === undefined ? [] : [failure];
    return { ...run, status: 'failed', resources: { ...resources, failed: 1 }, failedResources };
  }
  if (kind < 0.024) {
    const error = `Evaluation Error: no value for the key role::${number % 7}::port (site.pp:12)`;
    return { ...run, status: 'not-compiled', exitCode: 1, resources: null, error };
  }
  if (kind < 0.14) {
    const changedResources = ['File[/etc/motd]', 'Service[ntp]'];
    const counts = { ...resources, changed: 2, outOfSync: 2 };
    const more = { changedResources, changedResourcesTotal: 2 };
    return { ...run, status: 'changed', exitCode: 2, resources: counts, ...more };
  }
  return { ...run, resources };
}

const SITES = [
  { environment: 'stable', region: 'eu-central-1' },
  { environment: 'stable', region: 'us-east-1' },
  { environment: 'testing', region: 'eu-central-1' },
] as const;

const SYSTEMS = [
  { name: 'Ubuntu', family: 'Debian', release: '24.04', codename: 'noble', kernel: '6.8.0-45-aws' },
  { name: 'Ubuntu', family: 'Debian', release: '22.04', codename: 'jammy', kernel: '6.5.0-1020' },
  { name: 'Debian', family: 'Debian', release: '12.7', codename: 'bookworm', kernel: '6.1.0-25' },
  { name: 'Amazon', family: 'RedHat', release: '2023', codename: 'n/a', kernel: '6.1.102-111' },
  { name: 'RedHat', family: 'RedHat', release: '9.4', codename: 'Plow', kernel: '5.14.0-427' },
] as const;

const ROLES = ['web', 'db', 'cache', 'worker', 'queue', 'build', 'bastion'];
const VERSIONS = ['1.4.2', '1.4.1', '1.4.0', '1.5.0'] as const;

const FAILURES = [
  fails(FAILING_RESOURCE, 'Could not evaluate: Could not retrieve information from source', 12),
  fails('Service[chronyd]', 'Systemd start for chronyd failed: unit is masked', 30),
  fails('Package[nginx]', 'Could not update: Execution of apt-get returned 100', 7),
  fails('Exec[migrate]', "'/usr/bin/migrate' returned 1 instead of one of [0]", 44),
  fails('User[deploy]', 'Could not find group deployers', 3),
] as const;

function fails(resource: string, message: string, line: number) {
  return { resource, message, file: 'modules/app/manifests/init.pp', line };
}

function certnameOf(number: number, chance: () => number): string {
  if (chance() < 0.7) return `i-${hexOf(chance, 10)}${number.toString(16).padStart(7, '0')}`;
  return `host${number}.rack${number % 40}.example.com`;
}

function hexOf(chance: () => number, digits: number): string {
  let text = '';
  while (text.length < digits) text += Math.floor(chance() * 2 ** 32).toString(16);
  return text.slice(0, digits);
}

/** mulberry32. https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function randomOf(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
