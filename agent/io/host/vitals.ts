import { readdirSync, statfsSync } from 'node:fs';
import { freemem, loadavg, totalmem, uptime } from 'node:os';
import type { StatusDocument } from '../../../bucket/documents/status.ts';

/**
 * Returns a function that reads uptime, memory, disk, load and battery. A value that cannot be read
 * is null: vitals must not fail a cycle.
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
    // On Linux, freemem of libuv is MemAvailable, which also counts memory that can be freed.
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
    // As df(1) does it: blocks that are reserved for root are neither used nor available.
    return used + bavail === 0 ? null : Math.ceil((100 * used) / (used + bavail));
  } catch {
    return null;
  }
}

/**
 * systeminformation takes time and memory to load, so it is loaded only where a battery is
 * possible.
 */
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
