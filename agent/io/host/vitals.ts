import { statfsSync } from 'node:fs';
import { freemem, loadavg, totalmem, uptime } from 'node:os';
import { battery } from 'systeminformation';
import type { StatusDocument } from '../../../bucket/documents/status.ts';

/**
 * Reads uptime, memory, disk, load and battery. A value that cannot be read is null: vitals must
 * not fail a cycle.
 */
export async function readVitals(): Promise<NonNullable<StatusDocument['vitals']>> {
  return {
    uptimeSeconds: Math.round(uptime()),
    // On Linux, freemem of libuv is MemAvailable, which also counts memory that can be freed.
    memoryUsedPercent: Math.round(100 * (1 - freemem() / totalmem())),
    rootDiskUsedPercent: rootDiskUsedPercent(),
    load1: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    batteryPercent: await batteryPercent(),
  };
}

function rootDiskUsedPercent(): number | null {
  try {
    const { blocks, bfree, bavail } = statfsSync('/');
    const used = blocks - bfree;
    // As df(1) does it: blocks that are reserved for root are neither used nor available.
    return used + bavail === 0 ? null : Math.ceil((100 * used) / (used + bavail));
  } catch {
    return null;
  }
}

/** Percent; null where there is no battery. */
async function batteryPercent(): Promise<number | null> {
  try {
    const { hasBattery, percent } = await battery();
    return hasBattery ? Math.round(percent) : null;
  } catch {
    return null;
  }
}
