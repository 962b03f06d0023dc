import { battery } from 'systeminformation';

/** Percent; null where there is no battery. */
export async function readBatteryPercent(): Promise<number | null> {
  const { hasBattery, percent } = await battery();
  return hasBattery ? Math.round(percent) : null;
}
