import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import {
  type Compiled,
  type CompiledSide,
  type CompileRequest,
  compileSide,
} from '../../../../operator/preview/catalogs/compile.ts';
import type { FactsPlace } from '../../../../operator/preview/catalogs/facts-file.ts';
import { findPuppet } from '../../../../operator/puppet/find-puppet.ts';
import { PROJECT } from '../../../support/project-files.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
const CERTNAME = 'localhost';

interface Lab {
  readonly directory: string;
  readonly environment: string;
  compile(
    facts: Readonly<Record<string, object>>,
    options?: Partial<Pick<CompileRequest, 'hostLimitMs' | 'workers' | 'onCatalog'>>,
  ): Promise<CompiledSide>;
}

async function compileLab(t: TestContext): Promise<Lab> {
  const puppet = findPuppet(env);
  assert.ok(puppet);
  const directory = await temporaryDirectory(t);
  const environmentPath = join(directory, 'environments');
  const environment = join(environmentPath, 'stable');
  await mkdir(environmentPath);
  return {
    directory,
    environment,
    async compile(facts, { hostLimitMs = 300_000, workers = 2, onCatalog = () => {} } = {}) {
      const path = join(directory, 'facts');
      const hosts: FactsPlace[] = [];
      let bytes = Buffer.alloc(0);
      for (const [certname, values] of Object.entries(facts)) {
        const document = Buffer.from(JSON.stringify({ facts: values }));
        hosts.push([certname, bytes.length, document.length]);
        bytes = Buffer.concat([bytes, document]);
      }
      await writeFile(path, bytes);
      return await compileSide({
        ...{ puppet, env, hosts, hostLimitMs, workers, onCatalog },
        directory: await mkdtemp(join(directory, 'results-')),
        shared: {
          ...{ environment: 'stable', environmentPath, manifest: null, facts: path },
          ...{ privateDirectory: join(directory, 'puppet'), salt: 'salt', now: 1_800_000_000 },
        },
      });
    },
  };
}

type Resources = Record<string, Record<string, unknown>>;

async function catalogOf(compiled: Compiled | undefined): Promise<Resources> {
  assert.ok(compiled !== undefined && !('error' in compiled), JSON.stringify(compiled));
  const { file, offset, length } = compiled;
  const text = (await readFile(file)).subarray(offset, offset + length).toString('utf8');
  return JSON.parse(text) as Resources;
}

test('compile: resources and parameters are those of puppet apply on the host itself', async (t) => {
  const lab = await compileLab(t);
  await cp(join(PROJECT, 'test/fixtures/control-repo'), lab.environment, { recursive: true });
  const host = join(lab.directory, 'host');
  const routes = join(lab.directory, 'routes.yaml');
  const cached = '{terminus: facter, cache: json}';
  await writeFile(
    routes,
    `apply: {facts: ${cached}, catalog: {terminus: compiler, cache: json}}\n`,
  );
  const own = ['conf', 'var', 'code', 'log', 'run', 'public'];
  const args = ['apply', '--noop', '--certname', CERTNAME, '--route_file', routes];
  args.push('--environmentpath', join(lab.environment, '..'), '--environment', 'stable');
  args.push(...own.flatMap((name) => [`--${name}dir`, join(host, name)]));
  const environment = { ...env, MANAGED_ROOT: join(lab.directory, 'managed') };
  await promisify(execFile)('puppet', [...args, join(lab.environment, 'manifests')], {
    env: environment,
  });
  const data = join(host, 'var/client_data');
  const read = async (kind: string) =>
    JSON.parse(await readFile(join(data, kind, `${CERTNAME}.json`), 'utf8')) as never;
  const { values } = (await read('facts')) as { values: object };
  const { resources } = (await read('catalog')) as { resources: AppliedResource[] };
  const ours = await catalogOf((await lab.compile({ [CERTNAME]: values })).byHost.get(CERTNAME));
  const theirs = Object.fromEntries(resources.map((each) => [`${each.type}[${each.title}]`, each]));
  assert.ok(Object.keys(ours).length > 100);
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort());
  for (const [name, { parameters = {}, sensitive_parameters: secret = [] }] of Object.entries(
    theirs,
  )) {
    const rest = { ...ours[name] };
    const wanted = { ...parameters };
    for (const parameter of secret) {
      assert.match(String(rest[parameter]), /^\(secret /);
      delete rest[parameter];
      delete wanted[parameter];
    }
    assert.deepEqual(comparable(rest), comparable(wanted), name);
  }
});

interface AppliedResource {
  readonly type: string;
  readonly title: string;
  readonly parameters?: Record<string, unknown>;
  readonly sensitive_parameters?: string[];
}

/** A relation may be one name or a list; a source is followed by a digest here. */
function comparable(parameters: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      if (['before', 'require', 'notify', 'subscribe'].includes(name)) {
        return [name, [value].flat().sort()];
      }
      return [name, name === 'source' ? String(value).replace(/ \(sha256 .*/, '') : value];
    }),
  );
}

/** A function for each way in which Ruby code can end a compilation. */
async function writeEndings(environment: string): Promise<void> {
  const functions = join(environment, 'lib/puppet/functions');
  await mkdir(join(environment, 'manifests'), { recursive: true });
  await mkdir(functions, { recursive: true });
  const code = {
    hang: 'loop { sleep 1 }',
    vanish: 'exit!(0)',
    leave: 'exit 0',
    overflow: 'overflow',
    kill: 'Process.kill(:KILL, $$)',
    print: 'IO.for_fd(1).write("x" * 1_000_000)',
  };
  const define = (name: string, body: string) =>
    `Puppet::Functions.create_function(:${name}) do\n  def ${name}\n    ${body}\n  end\nend\n`;
  for (const [name, body] of Object.entries(code)) {
    await writeFile(join(functions, `${name}.rb`), define(name, body));
  }
  const calls = Object.keys(code).map((name) => `  '${name}': { ${name}() }\n`);
  const site = `case $facts['what'] {\n${calls.join('')}  default: { notify { 'fine': } }\n}\n`;
  await writeFile(join(environment, 'manifests/site.pp'), site);
}

test('compile: a host that hangs or ends its process costs one row, and the others go on', async (t) => {
  const lab = await compileLab(t);
  await writeEndings(lab.environment);
  const what = ['vanish', 'fine', 'leave', 'kill', 'overflow', 'print', 'also-fine'];
  const facts = Object.fromEntries(what.map((each) => [`${each}.example.com`, { what: each }]));
  const { byHost } = await lab.compile(facts, { workers: 1 });
  const failed = what.filter(
    (each) => 'error' in (byHost.get(`${each}.example.com`) ?? { error: '' }),
  );
  assert.deepEqual(failed, ['vanish', 'leave', 'kill', 'overflow']);
});

test('compile: a host that hangs is ended at the limit for a host', async (t) => {
  const lab = await compileLab(t);
  await writeEndings(lab.environment);
  const facts = { 'hang.example.com': { what: 'hang' } };
  let hung: CompiledSide['byHost'] | undefined;
  let hostLimitMs = 2000;
  // The limit is also for the start of Ruby, which a busy machine may need more time for.
  while (hung === undefined) {
    hostLimitMs *= 2;
    const done = await lab.compile(facts, { hostLimitMs }).catch((error: unknown) => {
      if (hostLimitMs > 200_000) throw error;
    });
    hung = done?.byHost;
  }
  const [[certname, result] = []] = [...hung];
  assert.equal(certname, 'hang.example.com');
  assert.ok(result !== undefined && 'error' in result);
  assert.match(result.error, new RegExp(`no answer within ${hostLimitMs / 1000} s`));
});

test('compile: the answers do not depend on the number of processes', async (t) => {
  const lab = await compileLab(t);
  await cp(join(PROJECT, 'test/fixtures/control-repo'), lab.environment, { recursive: true });
  const facts = Object.fromEntries(
    Array.from({ length: 21 }, (_, index) => {
      const os = { name: `os${index % 3}`, family: 'Debian', release: { major: '12' } };
      const own = { managed_root: '/m', lab_site: 's', lab_build: '1', lab_shell: 'sh' };
      return [`h${index}.example.com`, { ...own, os, ...(index % 2 === 0 && { lab_role: 'web' }) }];
    }),
  );
  let seen = 0;
  const onCatalog = () => {
    seen += 1;
  };
  const digests = async (workers: number) => {
    const { byHost } = await lab.compile(facts, { workers, onCatalog });
    return [...byHost].map(([name, each]) => `${name} ${'digest' in each && each.digest}`).sort();
  };
  const one = await digests(1);
  assert.equal(new Set(one).size, 21);
  assert.deepEqual(await digests(2), one);
  assert.equal(seen, 42, 'progress is shown after each catalog');
});
