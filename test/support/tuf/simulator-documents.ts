import type { ReleaseCustom } from '../../../bucket/documents/release.ts';
import type { KeyJson } from './simulator-keys.ts';

/** The signed parts of the files. Plain and mutable, so that an attack can change anything. */
interface Common {
  version: number;
  expires: string;
  spec_version: string;
  'x-tree'?: string;
  'x-role'?: string;
  [field: string]: unknown;
}

export interface RootDocument extends Common {
  _type: 'root';
  consistent_snapshot: boolean;
  keys: Record<string, KeyJson>;
  roles: Record<'root' | 'targets' | 'snapshot' | 'timestamp', RoleJson>;
}

export interface RoleJson {
  keyids: string[];
  threshold: number;
}

export interface TargetsDocument extends Common {
  _type: 'targets';
  targets: Record<string, TargetJson>;
  delegations?: { keys: Record<string, KeyJson>; roles: DelegationJson[] };
}

export interface DelegationJson extends RoleJson {
  name: string;
  terminating: boolean;
  paths: string[];
}

export interface TargetJson {
  length: number;
  hashes: Record<string, string>;
  custom?: Record<string, unknown>;
}

export interface SnapshotDocument extends Common {
  _type: 'snapshot';
  meta: Record<string, MetaJson>;
}

export interface TimestampDocument extends Common {
  _type: 'timestamp';
  meta: { 'snapshot.json': MetaJson };
}

export interface MetaJson {
  version: number;
  length?: number;
  hashes?: Record<string, string>;
}

export type AnyDocument = RootDocument | TargetsDocument | SnapshotDocument | TimestampDocument;

export const DAY_MS = 86_400_000;

/** TUF's instants have no milliseconds. */
export function instant(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

export function releaseCustom(version: string, change: Partial<ReleaseCustom> = {}): ReleaseCustom {
  return {
    schema: 1,
    version,
    release: `r-${version}`,
    commit: null,
    created: '2030-01-01T00:00:00Z',
    by: 'simulator',
    reason: '',
    hold: false,
    stop: false,
    minAgent: null,
    ...change,
  };
}
