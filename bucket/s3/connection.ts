import type { S3Settings } from './settings.ts';

/** Options of the SDK's HTTP handler, for S3 and for whatever hands out credentials for it. */
export function connectionOptions(settings: S3Settings) {
  const silenceMs = settings.request_timeout.seconds * 1000;
  const agent = {
    proxyEnv: proxyEnvironment(settings.proxy),
    // Idle connections are closed by us, before a NAT on the way forgets them without a word.
    timeout: silenceMs,
  };
  return {
    connectionTimeout: settings.connect_timeout.seconds * 1000,
    // Silence, also in the middle of a body. The SDK's `requestTimeout` would count the upload itself.
    socketTimeout: silenceMs,
    httpAgent: agent,
    httpsAgent: agent,
  };
}

/** For the `proxyEnv` of Node's agents. */
export function proxyEnvironment(proxy: string | undefined): NodeJS.ProcessEnv {
  if (proxy !== undefined) return { HTTPS_PROXY: proxy, HTTP_PROXY: proxy };
  // biome-ignore lint/style/noProcessEnv: the proxy lies where the SDK finds region and credentials, too
  return process.env;
}
