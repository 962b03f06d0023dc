import { loadFleet } from '../../../../operator/fleet/report/page/data/load.ts';

/** The fleet that a page of `mm fleet report` has, as its script reads it. */
export async function fleetIn(html: string): ReturnType<typeof loadFleet> {
  const [, data = ''] = /id="data">([^<]*)</.exec(html) ?? [];
  return await loadFleet(data);
}
