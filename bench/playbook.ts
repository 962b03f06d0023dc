import { cp, lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { PROJECT } from './lab.ts';

/**
 * Writes a playbook that manages the same as the 100 resources. It is made from what Puppet wrote
 * below `managedRoot`, so that Ansible finds nothing to change. It has one loop for each kind of
 * resource, as a person would write it. Ansible collects its own facts and sends no report. For
 * the four commands that leave no file in a run of Puppet, it checks a marker file.
 */
export async function playbook(directory: string, managedRoot: string): Promise<void> {
  const found = await look(managedRoot);
  await mkdir(join(directory, 'files'), { recursive: true });
  for (const { path } of found.files) {
    await cp(join(managedRoot, path), join(directory, 'files', path.replaceAll('/', '_')));
  }
  const plays = [
    { hosts: 'localhost', connection: 'local', tasks: await tasks(managedRoot, found) },
  ];
  await writeFile(join(directory, 'local.yml'), stringify(plays));
}

interface Found {
  readonly directories: readonly Entry[];
  readonly files: readonly Entry[];
  readonly links: readonly (Entry & { readonly target: string })[];
}

interface Entry {
  readonly path: string;
  /** Octal text, as Ansible needs it. */
  readonly mode: string;
}

/** Services and commands leave marker files, whose content is not managed. */
const MARKS = /^run\/|^var\/lib\/(store\.ok|token)$/;

async function look(managedRoot: string): Promise<Found> {
  const found = {
    directories: [] as Entry[],
    files: [] as Entry[],
    links: [] as Found['links'][number][],
  };
  for (const path of (await readdir(managedRoot, { recursive: true })).sort()) {
    if (MARKS.test(path)) continue;
    const stats = await lstat(join(managedRoot, path));
    const entry = { path, mode: `0${(stats.mode & 0o7777).toString(8)}` };
    if (stats.isDirectory()) found.directories.push(entry);
    else if (stats.isSymbolicLink())
      found.links.push({ ...entry, target: await readlink(join(managedRoot, path)) });
    else found.files.push(entry);
  }
  return found;
}

async function tasks(root: string, { directories, files, links }: Found): Promise<object[]> {
  const { packages, users, groups } = await accounts();
  const at = `${root}/{{ item.path }}`;
  const dest = { dest: at, mode: '{{ item.mode }}' };
  return [
    { file: { path: at, state: 'directory', mode: '{{ item.mode }}' }, loop: directories },
    { copy: { src: "{{ item.path | replace('/', '_') }}", ...dest }, loop: files },
    { file: { src: '{{ item.target }}', dest: at, state: 'link' }, loop: links },
    { file: { path: `${root}/etc/nologin`, state: 'absent' } },
    { apt: { name: packages, state: 'present' } },
    { user: { name: '{{ item }}' }, loop: users },
    { group: { name: '{{ item }}' }, loop: groups },
    {
      command: { cmd: '/bin/true', creates: `${root}/{{ item }}` },
      loop: ['run/collector.pid', 'run/forwarder.pid', 'run/heartbeat.pid', 'run/tailer.pid'],
    },
    {
      command: { cmd: '/bin/true', creates: `${root}/{{ item }}` },
      loop: ['var/lib/token', 'var/lib/store.ok'],
    },
  ];
}

/** The packages that the control repository's Hiera has for this system. */
async function accounts(): Promise<Record<'packages' | 'users' | 'groups', readonly string[]>> {
  const path = join(PROJECT, 'test/fixtures/control-repo/data/os/Debian.yaml');
  const data = parse(await readFile(path, 'utf8')) as Record<string, readonly string[]>;
  const list = (name: string): readonly string[] => data[`baseline::${name}`] ?? [];
  return { packages: list('packages'), users: list('users'), groups: list('groups') };
}
