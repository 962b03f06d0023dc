import type { S3Settings } from './settings.ts';

/** Options of the SDK's HTTP handler, for S3 and for the services that issue credentials. */
export function connectionOptions(settings: S3Settings) {
  const silenceMs = settings.request_timeout.seconds * 1000;
  const agent = {
    proxyEnv: proxyEnvironment(settings.proxy),
    // Close idle connections here: a NAT on the way forgets them without telling anybody.
    timeout: silenceMs,
  };
  return {
    connectionTimeout: settings.connect_timeout.seconds * 1000,
    // Counts silence, also in the middle of a body. The SDK's `requestTimeout` would count an
    // upload.
    socketTimeout: silenceMs,
    httpAgent: agent,
    httpsAgent: agent,
  };
}

/** For the `proxyEnv` of Node's agents. */
export function proxyEnvironment(proxy: string | undefined): NodeJS.ProcessEnv {
  if (proxy !== undefined) return { HTTPS_PROXY: proxy, HTTP_PROXY: proxy };
  // biome-ignore lint/style/noProcessEnv: the proxy is set where the SDK finds region and credentials
  return process.env;
}
