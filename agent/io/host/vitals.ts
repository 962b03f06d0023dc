import { readdirSync, statfsSync } from 'node:fs';
import { freemem, loadavg, totalmem, uptime } from 'node:os';
import type { StatusDocument } from '../../../bucket/documents/status.ts';

/**
 * Reads uptime, memory, disk, load and battery as they are when it is called. What cannot be read is null: vitals never
 * fail a cycle.
 */
export async function openVitals(): Promise<() => Promise<StatusDocument['vitals']>> {
  const battery = await openBattery();
  return async () => await readVitals(battery);
}

type Battery = () => Promise<number | null>;

async function readVitals(battery: Battery | undefined): Promise<StatusDocument['vitals']> {
  const batteryPercent = (await battery?.().catch(() => null)) ?? null;
  return {
    uptimeSeconds: Math.round(uptime()),
    // On Linux libuv's freemem is MemAvailable, which is what "free" means to people.
    memoryUsedPercent: Math.round(100 * (1 - freemem() / totalmem())),
    rootDiskUsedPercent: rootDiskUsedPercent(),
    load1: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    batteryPercent,
  };
}

function rootDiskUsedPercent(): number | null {
  try {
    const { blocks, bfree, bavail } = statfsSync('/');
    const used = blocks - bfree;
    // As df counts it: blocks kept for root are neither used nor available.
    return used + bavail === 0 ? null : Math.ceil((100 * used) / (used + bavail));
  } catch {
    return null;
  }
}

/** systeminformation takes time and memory to load: only where a battery can be. */
async function openBattery(): Promise<Battery | undefined> {
  try {
    if (process.platform !== 'darwin') {
      const supplies = readdirSync('/sys/class/power_supply');
      if (!supplies.some((name) => name.startsWith('BAT'))) return undefined;
    }
    return (await import('./battery.ts')).readBatteryPercent;
  } catch {
    return undefined;
  }
}
