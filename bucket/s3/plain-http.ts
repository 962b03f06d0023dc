/**
 * Whether requests to this URL cross a network unencrypted. Anyone on the path can then read what
 * hosts report, replay signed requests, and set the `Date` header that expiry is checked against.
 */
export function isPlainHttp(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && parsed.protocol === 'http:' && !isLoopback(parsed.hostname);
}

/** Whether requests to this URL, or to this `host:port`, stay on this machine. */
export function isOnThisMachine(url: string): boolean {
  const parsed = URL.parse(url.includes('://') ? url : `http://${url}`);
  return parsed !== null && isLoopback(parsed.hostname);
}

function isLoopback(hostname: string): boolean {
  return (
    /^(.*\.)?localhost$/i.test(hostname) ||
    /^127(\.\d{1,3}){3}$/.test(hostname) ||
    hostname === '[::1]' ||
    hostname === '::1'
  );
}
