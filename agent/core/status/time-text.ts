/** How long ago an instant was: `12 s ago`; later than now counts as now. `now`: ms since 1970. */
export function agoText(at: string, now: number): string {
  return `${lengthText(now - Date.parse(at))} ago`;
}

/** When an instant will be: `in 4 min`. An earlier one counts as now. */
export function inText(at: string, now: number): string {
  return `in ${lengthText(Date.parse(at) - now)}`;
}

/** A length of time with one unit. */
export function lengthText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
