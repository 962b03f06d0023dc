import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const UNIT = join(import.meta.dirname, '../../systemd/mm-agent.service');
const INSTALLED = '/usr/libexec/miyamoto/';

/** The command line of the systemd unit, as if the package were installed in `libexec`. */
export async function serviceCommand(
  libexec: string,
  node = join(libexec, 'node'),
): Promise<readonly [string, ...string[]]> {
  const [, line] = /^ExecStart=(.*)$/m.exec(await readFile(UNIT, 'utf8')) ?? [];
  const [path, ...words] = line?.split(' ') ?? [];
  if (path !== `${INSTALLED}node`) throw new Error(`${UNIT} starts ${path}, no ${INSTALLED}node`);
  return [node, ...words.map((word) => word.replace(INSTALLED, `${libexec}/`))];
}
