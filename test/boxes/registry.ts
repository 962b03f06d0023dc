import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Box } from './box.ts';

const run = promisify(execFile);
const CERTIFICATES = '/etc/certificates-of-the-host.pem';
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy'];

/**
 * How this host reaches npm's registry, as arguments for env(1) in a box. Copies the certificates
 * that this host trusts into the box.
 */
export async function registrySettings(box: Box): Promise<string[]> {
  const proxies = [...PROXIES, ...PROXIES.map((name) => name.toUpperCase())];
  const settings = proxies.map((name) => [name, process.env[name]]);
  settings.push(['npm_config_registry', await configured('registry')]);
  const certificates = (await configured('cafile')) ?? process.env['NODE_EXTRA_CA_CERTS'];
  if (certificates !== undefined) {
    await box.push(certificates, CERTIFICATES);
    await box.exec('chmod', '644', CERTIFICATES);
    settings.push(['npm_config_cafile', CERTIFICATES]);
  }
  return settings.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

async function configured(key: string): Promise<string | undefined> {
  const { stdout } = await run('npm', ['config', 'get', key]);
  const value = stdout.trim();
  return ['', 'null', 'undefined'].includes(value) ? undefined : value;
}
