import { battery } from 'systeminformation';

/** Returns the charge in percent, or null without a battery. */
export async function readBatteryPercent(): Promise<number | null> {
  const { hasBattery, percent } = await battery();
  return hasBattery ? Math.round(percent) : null;
}
