import { readdir, statfs } from 'node:fs/promises';
import { freemem, loadavg, totalmem, uptime } from 'node:os';
import type { StatusDocument } from '../../bucket/documents/status.ts';

/**
 * Reads uptime, memory, disk, load and battery as they are when it is called. What cannot be read is null: vitals never
 * fail a cycle.
 */
export async function openVitals(): Promise<() => Promise<StatusDocument['vitals']>> {
  const batteries = await openBatteries();
  return async () => await readVitals(batteries);
}

type Batteries = typeof import('systeminformation').battery;

async function readVitals(batteries: Batteries | undefined): Promise<StatusDocument['vitals']> {
  const [disk, battery] = await Promise.all([rootDiskUsedPercent(), batteryPercent(batteries)]);
  return {
    uptimeSeconds: Math.round(uptime()),
    // On Linux libuv's freemem is MemAvailable, which is what "free" means to people.
    memoryUsedPercent: Math.round(100 * (1 - freemem() / totalmem())),
    rootDiskUsedPercent: disk,
    load1: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    batteryPercent: battery,
  };
}

async function rootDiskUsedPercent(): Promise<number | null> {
  try {
    const { blocks, bfree, bavail } = await statfs('/');
    const used = blocks - bfree;
    // As df counts it: blocks kept for root are neither used nor available.
    return used + bavail === 0 ? null : Math.ceil((100 * used) / (used + bavail));
  } catch {
    return null;
  }
}

/** systeminformation takes time and memory to load: only where a battery can be. */
async function openBatteries(): Promise<Batteries | undefined> {
  try {
    if (process.platform !== 'darwin') {
      const supplies = await readdir('/sys/class/power_supply');
      if (!supplies.some((name) => name.startsWith('BAT'))) return undefined;
    }
    return (await import('systeminformation')).battery;
  } catch {
    return undefined;
  }
}

async function batteryPercent(batteries: Batteries | undefined): Promise<number | null> {
  try {
    const { hasBattery, percent } = (await batteries?.()) ?? { hasBattery: false, percent: 0 };
    return hasBattery ? Math.round(percent) : null;
  } catch {
    return null;
  }
}
