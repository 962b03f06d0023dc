import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../operator/answers.ts';
import { ODD_FILES, RAW } from '../support/odd-files.ts';
import { sampleOf } from '../support/soak.ts';
import { sampleStatus } from '../support/status-sample.ts';
import { keysOf } from './key-commands.ts';
import { BUCKET, initialized, type OperatorLab, type Owner } from './operator-lab.ts';

/** What can happen to a file that is there. */
const DAMAGES: typeof ODD_FILES = {
  'writable by others': (path) => chmodSync(path, 0o666),
  'half of itself': (path) => truncateSync(path, lstatSync(path).size >> 1),
};

/** A file that mm reads or writes, and the commands that do. */
interface Place {
  readonly path: string;
  readonly commands: readonly (readonly string[])[];
  /** mm makes it again, so that the last command succeeds. */
  readonly isMade?: boolean;
}

const RELEASES = ['releases'];
const NOOP = ['publish', 'stable', '--no-validate', '--noop'];
const OF_MODULES = [...NOOP, '--ref', 'modules'];
const QUERY = ['fleet', 'query', 'SELECT * FROM hosts'];
const SITE = ['package', 'site', '--format', 'deb', '--output', '../packages'];

function placesOf({ repository, directory, ...lab }: OperatorLab): readonly Place[] {
  const kept = join(repository, '.miyamoto/ubuntu');
  const keys = keysOf({ repository, directory, ...lab });
  const cache = join(directory, 'home/.cache/miyamoto');
  const trust = join(kept, 'trust', readlinkSync(join(kept, 'trust/current')));
  const at = (base: string, names: string, ...commands: string[][]): Place[] =>
    names.split(' ').map((name) => ({ path: join(base, name), commands }));
  const made = (...places: Parameters<typeof at>): Place[] =>
    at(...places).map((place) => ({ ...place, isMade: true }));
  return [
    ...at(repository, '.miyamoto .miyamoto/ubuntu', RELEASES, ['fleet', 'hosts']),
    ...at(kept, 'trust', NOOP, RELEASES),
    ...made(repository, '.miyamoto/.gitignore', RELEASES),
    ...made(join(kept, 'trust'), 'current record.json', NOOP, RELEASES),
    ...made(trust, '. 1.root.json timestamp.json snapshot.json env-stable.json', NOOP, RELEASES),
    ...made(kept, 'lock lock.json lock.freeing', RELEASES),
    ...made(kept, 'host-ids.json', ['status']),
    ...made(kept, 'unnamed.json', ['clean']),
    ...at(kept, 'fleet fleet/history.json fleet/lock', ['fleet', 'report'], ['fleet', 'sync']),
    ...at(kept, 'fleet/fleet.sqlite', ['fleet', 'hosts'], QUERY, ['fleet', 'sync'], QUERY),
    ...at(kept, 'fleet/fleet.sqlite-wal fleet/fleet.sqlite-shm', QUERY, ['fleet', 'sync'], QUERY),
    ...at(keys, '. operator.json safe.json other.json', ['key', 'list'], NOOP, ['doctor']),
    ...at(keys, '.gitignore fresh.json', ['key', 'new', 'fresh'], ['key', 'export', 'fresh']),
    ...at(repository, 'miyamoto.yaml ubuntu.root.json', RELEASES, ['doctor'], ['config']),
    ...at(repository, 'a.proposal.json', ['root', 'sign', 'a.proposal.json'], SAFE_PROPOSAL),
    ...at(repository, 'a.pub.json', ['key', 'rotate', '--role', 'stable', '--add', 'a.pub.json']),
    ...at(repository, 'list.json', ['status', '--instances', 'list.json']),
    ...at(repository, 'agent.yaml', [...SITE, '--agent-config', 'agent.yaml']),
    ...at(repository, 'old.json', ['init', '--from', 'old.json', '--noop']),
    ...at(repository, 'ca.pem', [...RELEASES, '--config', 'other.yaml']),
    ...at(directory, 'packages', SITE, ['checkout', 'stable', '--into', '../packages']),
    ...at(repository, 'fleet.html', ['fleet', 'report']),
    ...at(repository, 'environment.conf .mmignore .r10k-deploy.json', [
      ...NOOP,
      '--directory',
      '.',
    ]),
    ...at(repository, 'modules/a/.git/HEAD modules/a/.git/config', [...NOOP, '--directory', '.']),
    ...at(repository, 'modules/a/.gitignore', [...NOOP, '--working-tree']),
    ...at(cache, '. Puppetfile installed modules lock lock.json r10k.yaml', OF_MODULES),
  ];
}

const SAFE_PROPOSAL = ['key', 'rotate', '--role', 'stable', '--out', 'a.proposal.json'];

/** A tree with a release, a copied fleet, installed modules, and a repository in the work tree. */
async function usedLab(t: Owner): Promise<OperatorLab> {
  const lab = await initialized(t);
  const status = JSON.stringify({ ...sampleStatus, certname: 'web1' });
  lab.server.put(BUCKET, 'ubuntu/status/hosts/web1.json', status);
  const install = join(lab.directory, 'install');
  writeFileSync(install, '#!/bin/sh\nmkdir -p "$MM_MODULES/thing"; echo >"$MM_MODULES/thing/a"\n');
  chmodSync(install, 0o755);
  await lab.git('checkout', '--quiet', '-b', 'modules');
  await lab.commit('Puppetfile', "mod 'acme-thing', '1.0.0'\n");
  await lab.git('checkout', '--quiet', 'main');
  const publish = 'publish: { modules: { command: [../install] } }';
  const config = join(lab.repository, 'miyamoto.yaml');
  execFileSync('sed', ['-i', `1i ${publish}`, config]);
  const text = readFileSync(config, 'utf8').replace('s3:\n', 's3:\n  ca_file: ca.pem\n');
  writeFileSync(join(lab.repository, 'other.yaml'), text);
  await lab.write('modules/a/manifests/init.pp', 'class a { }\n');
  await lab.write('modules/a/.gitignore', 'x\n');
  await lab.git('-C', 'modules/a', 'init', '--quiet');
  for (const args of [NOOP.slice(0, 3), OF_MODULES, ['fleet', 'sync'], ['status'], ['clean']]) {
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, stderr);
  }
  return lab;
}

/** A command succeeds, or says with a code what is wrong and what to do. */
async function look(lab: OperatorLab, command: readonly string[], what: string): Promise<void> {
  const { exitCode, json, stdout, stderr } = await lab.mm([...command, '--json']);
  const said = `${what}: mm ${command.join(' ')}: ${stderr}${stdout}`;
  assert.doesNotMatch(said, RAW);
  if (exitCode === 0 || json?.checks !== undefined) return;
  const { code, next } = ErrorAnswer.parse(json).error;
  assert.notEqual(code, null, said);
  assert.notEqual(next, null, said);
}

test('odd files: mm goes on without what is in the place of a file, or names it', async (t) => {
  const lab = await usedLab(t);
  const rows = placesOf(lab).flatMap((place) => {
    const found = lstatSync(place.path, { throwIfNoEntry: false });
    const damages = found?.isFile() === true ? DAMAGES : {};
    return [
      ...Object.entries(ODD_FILES).map(([name, make]) => ({ ...place, name, make, isNew: true })),
      ...Object.entries(damages).map(([name, make]) => ({ ...place, name, make, isNew: false })),
    ];
  });
  const saved = join(lab.directory, 'saved');
  const copy = (from: string, to: string) => {
    rmSync(to, { recursive: true, force: true });
    if (lstatSync(from, { throwIfNoEntry: false }) === undefined) return;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  };
  for (const name of ['control-repo', 'home']) copy(join(lab.directory, name), join(saved, name));
  for (const { path, name, make, isNew, commands, isMade } of sampleOf(rows, 31)) {
    const what = `${path.slice(lab.directory.length + 1)} is ${name}`;
    mkdirSync(dirname(path), { recursive: true });
    if (isNew) rmSync(path, { recursive: true, force: true });
    make(path);
    for (const command of commands) await look(lab, command, what);
    if (isMade === true && name !== 'writable by others') {
      const { exitCode, stderr } = await lab.mm(commands.at(-1) ?? []);
      const isNamed = name.startsWith('a directory') && stderr.includes(`next: ls -ld ${path}\n`);
      assert.ok(exitCode === 0 || isNamed, `${what}: ${stderr}`);
    }
    const state = join(lab.repository, '.miyamoto');
    for (const each of [path, state, keysOf(lab)]) {
      copy(each.replace(lab.directory, saved), each);
    }
  }
  t.diagnostic(`${rows.length} rows`);
});
