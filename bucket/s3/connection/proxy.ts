import type { BlockList } from 'node:net';
import { CodedError } from '../../../shared/coded-error.ts';

/** One server and its port. */
export interface Target {
  readonly isTls: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  /** Undefined for the default port of the scheme. */
  readonly port: string | undefined;
}

/**
 * Returns the URL of the proxy for a server, or undefined when the server is asked directly.
 * `configured` is `s3.proxy`; NO_PROXY does not limit it. The variables mean what they mean to
 * curl: the lower-case name is read first, ALL_PROXY last, and an address without a scheme is an
 * http:// proxy. Throws CONFIG_INVALID for an address that is not the address of an HTTP proxy.
 */
export function proxyFor(
  target: Target,
  configured: string | undefined,
  env: Readonly<NodeJS.ProcessEnv>,
): string | undefined {
  if (configured !== undefined) return proxyUrl('s3.proxy', configured);
  const names = target.isTls ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const name = [...names, 'all_proxy', 'ALL_PROXY'].find((candidate) => env[candidate]);
  if (name === undefined) return undefined;
  if (isExcepted(target, env['no_proxy'] || env['NO_PROXY'] || '')) return undefined;
  return proxyUrl(name, env[name] ?? '');
}

/**
 * Returns the `proxyEnv` for an agent of Node. {@link proxyFor} has applied NO_PROXY already, so
 * NO_PROXY is empty here.
 */
export function proxyEnvironment(proxy: string | undefined): NodeJS.ProcessEnv {
  return proxy === undefined ? {} : { HTTPS_PROXY: proxy, HTTP_PROXY: proxy };
}

/** Adds the proxy to the message of a failed request: its own message has only addresses. */
export function nameProxy(error: unknown, proxy: string | undefined): void {
  if (proxy === undefined || !(error instanceof Error)) return;
  error.message += `; asked through the proxy ${new URL(proxy).host}`;
}

/** Undefined when the text is not the address of an HTTP proxy. */
export function parsedProxy(text: string): URL | undefined {
  const address = text.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  return isHttp && url.hostname !== '' ? url : undefined;
}

/** The message does not quote the value, which may contain a password. */
function proxyUrl(name: string, value: string): string {
  const url = parsedProxy(value);
  if (url !== undefined) return url.href;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value.trim())?.[1];
  const found = scheme === undefined ? 'something else' : `${scheme}://`;
  throw new CodedError(
    `${name}: expected an http:// or https:// proxy, such as proxy.example.com:3128, found ${found}`,
    {
      code: 'CONFIG_INVALID',
      next: `correct ${name}, or except the server with NO_PROXY`,
    },
  );
}

/**
 * True when `NO_PROXY` excludes the target. Its entries are separated by commas or blanks. `*`
 * excludes every target. A name excludes itself and all names below it, with or without a leading
 * dot. An address, a range (`a-b`) and a network (`10.0.0.0/8`) exclude addresses. A port after an
 * entry limits the entry to that port.
 */
function isExcepted({ isTls, hostname, port }: Target, noProxy: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  const asked = port ?? (isTls ? '443' : '80');
  return noProxy.split(/[\s,]+/).some((text) => {
    if (text === '') return false;
    const { name, onlyPort } = splitPort(text.toLowerCase());
    if (onlyPort !== undefined && onlyPort !== asked) return false;
    if (name === '*') return true;
    const domain = name.replace(/^\*?\./, '').replace(/\.$/, '');
    if (domain !== '' && (host === domain || host.endsWith(`.${domain}`))) return true;
    return isWithin(host, name);
  });
}

/** `[fd00::1]:443`, `host:443`; an IPv6 address without brackets has no port. */
function splitPort(entry: string): { readonly name: string; readonly onlyPort?: string } {
  const [, name = entry, onlyPort] =
    /^\[([^\]]*)\](?::(\d+))?$/.exec(entry) ?? /^([^:]*):(\d+)$/.exec(entry) ?? [];
  return onlyPort === undefined ? { name } : { name, onlyPort };
}

/**
 * True when the host is an address of this network or range, or the same address written in another
 * form.
 */
function isWithin(host: string, entry: string): boolean {
  const net = process.getBuiltinModule('node:net');
  const family = (text: string) => (net.isIPv6(text) ? 'ipv6' : 'ipv4');
  if (net.isIP(host) === 0) return false;
  const list: BlockList = new net.BlockList();
  try {
    const [address = '', bits] = entry.split('/', 2);
    const [first = '', last] = address.split('-', 2);
    if (bits !== undefined) {
      // `10.0.0.0/` is a typing mistake. It must not mean the whole internet.
      if (!/^\d+$/.test(bits)) return false;
      list.addSubnet(address, Number(bits), family(address));
    } else if (last !== undefined) list.addRange(first, last, family(first));
    else list.addAddress(address, family(address));
  } catch {
    return false; // a name
  }
  return list.check(host, family(host));
}
