import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A Puppet environment to apply. Its name is also the name of its git branch. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Writes the environment; everything that it manages is below `managedRoot`. */
  write(directory: string, managedRoot: string): Promise<void>;
}

const FIXTURE = join(import.meta.dirname, '../test/fixtures/control-repo');

export const EMPTY: Workload = {
  name: 'empty',
  title: 'an empty manifest',
  write: (directory) => writeManifest(directory, 'node default {}\n'),
};

/** What the hosts of the idle daemons apply. */
export const IDLE: Workload = { ...EMPTY, name: 'idle' };

/**
 * The control repository of the tests: classes, Hiera, templates, custom facts, packages, users,
 * services.
 */
export const HUNDRED: Workload = {
  name: 'hundred',
  title: '100 resources',
  async write(directory, managedRoot) {
    await cp(FIXTURE, directory, { recursive: true });
    // So that no run needs an environment variable for it.
    await change(join(directory, 'modules/labfacts/lib/facter/managed_root.rb'), [
      "'/tmp/managed'",
      `'${managedRoot}'`,
    ]);
  },
};

const DIRECTORIES = 10;

export const THOUSAND: Workload = {
  name: 'thousand',
  title: '1,000 resources',
  write: (directory, managedRoot) =>
    writeManifest(
      directory,
      `$root = '${managedRoot}-thousand'
file { $root: ensure => directory }
Integer[0, ${DIRECTORIES - 1}].each |$d| {
  file { "\${root}/\${d}": ensure => directory, mode => '0755' }
}
Integer[1, ${1000 - DIRECTORIES - 1}].each |$n| {
  file { "\${root}/\${$n % ${DIRECTORIES}}/file-\${n}":
    ensure  => file,
    mode    => '0644',
    content => "the content of file \${n}\\n",
  }
}
`,
    ),
};

export const FILES = 2000;
export const MEGABYTES = 20;

/** For publishing and unpacking: many files, hardly any resources. */
export const MANY_FILES: Workload = {
  name: 'many_files',
  title: `${FILES.toLocaleString('en')} files, ${MEGABYTES} MB`,
  async write(directory) {
    await writeManifest(directory, 'node default {}\n');
    const bytes = (MEGABYTES * 1_000_000) / FILES;
    for (let n = 0; n < FILES; n += 1) {
      const folder = join(directory, `modules/module_${n % 40}/files`);
      if (n < 40) await mkdir(folder, { recursive: true });
      await writeFile(join(folder, `file-${n}.txt`), words(n, bytes));
    }
  },
};

/** Puts the text into a file that {@link HUNDRED} manages and changes nothing else. */
export async function release(directory: string, text: string): Promise<void> {
  await change(join(directory, 'data/common.yaml'), [
    /^baseline::motd::notice: .*$/m,
    `baseline::motd::notice: ${text}`,
  ]);
}

/** Throws when the change of {@link release} is not on the disk. */
export async function assertReleased(managedRoot: string, text: string): Promise<void> {
  const motd = await readFile(join(managedRoot, 'etc/motd'), 'utf8');
  if (!motd.includes(text)) throw new Error(`${managedRoot}/etc/motd is not that of ${text}`);
}

async function writeManifest(directory: string, manifest: string): Promise<void> {
  await mkdir(join(directory, 'manifests'), { recursive: true });
  await writeFile(join(directory, 'manifests/site.pp'), manifest);
}

async function change(path: string, [from, to]: readonly [string | RegExp, string]): Promise<void> {
  const text = await readFile(path, 'utf8');
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${path} has no ${from}`);
  await writeFile(path, changed);
}

/** Deterministic text that compresses about as well as code. */
function words(seed: number, bytes: number): string {
  let state = seed + 1;
  const parts: string[] = [];
  for (let length = 0; length < bytes; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const word = `${(state >>> 8).toString(36)}${(state & 0xf0) === 0 ? '\n' : ' '}`;
    parts.push(word);
    length += word.length;
  }
  return parts.join('').slice(0, bytes);
}
