import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bench } from './cycles.ts';
import { USERS } from './lab.ts';
import { type Cost, measure } from './measure.ts';
import { below, figure, type Group, type Mark, type Row, rowsOf } from './rows.ts';
import { median } from './statistics.ts';
import { MANY_FILES } from './workloads.ts';

/** Sizes of two public control repositories. */
const SIZES = [
  { branch: 'gates_small', files: 2332, mark: below(2.5) },
  { branch: 'gates_large', files: 10_810, mark: below(6) },
] as const;

/** What the checks before a publication cost, compared with Puppet's own command. */
export async function gates(bench: Bench): Promise<Group> {
  const title = 'Gates of mm publish / puppet parser validate of all manifests';
  const limits = bench.plan.gates;
  if (limits === undefined) return { title, rows: [] };
  const rows: Row[] = [];
  for (const size of SIZES) {
    bench.say(`gates of ${size.files} files`);
    rows.push(...(await rowsOf(size.branch, () => rowsFor(bench, size, limits.pairs))));
  }
  return { title, rows };
}

async function rowsFor(
  bench: Bench,
  { branch, files, mark }: (typeof SIZES)[number],
  rounds: number,
): Promise<readonly Row[]> {
  const { lab, operator } = bench;
  const source = await operator.source(branch);
  await writeControlRepository(source, branch, files);
  await operator.commit(source);
  // With --noop no verdict is stored, so each run checks all files.
  const cold = await compare(bench, { source, branch, rounds });
  // The branch has nothing in common with what is published.
  await operator.publish(MANY_FILES, ['--ref', branch, '--older']);
  await appendFile(join(source, `modules/${branch}_1/manifests/init.pp`), '# Changed.\n');
  await operator.commit(source);
  lab.noise.sample();
  const one = await compare(bench, { source, branch, rounds });
  const count = files.toLocaleString('en');
  return [
    row(`${count} files, all new`, cold, [mark]),
    figure(`${count} files, one changed`, 's', one.ours, below(1)),
  ];
}

interface Compared {
  /** Seconds of `mm publish` with gates, less those of the same without gates. */
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

async function compare(
  { lab, operator }: Bench,
  { source, branch, rounds }: { source: string; branch: string; rounds: number },
): Promise<Compared> {
  const ours: number[] = [];
  const theirs: number[] = [];
  const publish = (...words: string[]): Promise<Cost> =>
    operator.publish(MANY_FILES, ['--ref', branch, '--noop', '--older', ...words]);
  const script = 'find "$1" -name "*.pp" -print0 | xargs -0 puppet parser validate';
  const argv = ['bash', '-euo', 'pipefail', '-c', script, 'validate', source];
  for (let round = 0; round < rounds; round += 1) {
    lab.noise.sample();
    const without = await publish('--no-validate');
    ours.push((await publish()).wallSeconds - without.wallSeconds);
    const validate = { argv, environment: lab.environment(USERS.rival) };
    theirs.push((await measure(validate, lab)).wallSeconds);
  }
  return { ours, theirs };
}

/** The limits apply to our seconds, so the ratio has a row of its own. */
function row(what: string, { ours, theirs }: Compared, marks: readonly Mark[]): Row {
  return {
    what,
    unit: 's',
    ours: median(ours),
    theirs: median(theirs),
    samples: ours.length,
    marks,
  };
}

const FILES_PER_MODULE = 40;

/** Manifests, templates, functions, data and files in the shares of the two repositories. */
async function writeControlRepository(
  directory: string,
  prefix: string,
  files: number,
): Promise<void> {
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  };
  await write('environment.conf', 'modulepath = modules\n');
  await write('manifests/site.pp', 'node default { }\n');
  const modules = Math.ceil(files / FILES_PER_MODULE);
  for (let n = 0; n < files - 2; n += 1) {
    // The files differ between repositories, or a verdict would exist already.
    const module = `${prefix}_${n % modules}`;
    const part = Math.floor(n / modules);
    await write(...fileOf(module, part));
  }
}

/** Of 20 files 7 are manifests, 2 templates, 1 a function, 2 data, and 8 nothing for Puppet. */
function fileOf(module: string, part: number): [path: string, text: string] {
  const kind = (part * 7) % 20;
  const inside = `modules/${module}`;
  if (part === 0) return [`${inside}/manifests/init.pp`, manifest(module, 3)];
  if (kind < 7) return [`${inside}/manifests/c${part}.pp`, manifest(`${module}::c${part}`, kind)];
  if (kind < 9)
    return [
      `${inside}/templates/t${part}.erb`,
      `${module}\n<% if @a -%>\nb = <%= @b %>\n<% end -%>\n`,
    ];
  if (kind < 10)
    return [`${inside}/lib/puppet/functions/${module}/f${part}.rb`, ruby(module, part)];
  if (kind < 12) return [`data/${module}/d${part}.yaml`, data(module)];
  return [`${inside}/files/f${part}.txt`, `${module} ${part}\n`.repeat(100)];
}

/** With as many resources, and some of the language around each. */
function manifest(name: string, resources: number): string {
  const body = Array.from(
    { length: resources },
    (_, n) => `
  # A file of this class.
  file { "/etc/\${title}/conf${n}.d":
    ensure  => file,
    owner   => 'root',
    group   => $group,
    content => template("\${module_name}/t1.erb"),
  }
  if $enabled and $facts['os']['family'] == 'Debian' {
    $value${n} = $values.filter |$x| { $x =~ String[1] }.map |$x| { "\${x}-${n}" }
  }
`,
  );
  const parameters = 'Boolean $enabled = true, String $group = "root", Array[String] $values = []';
  return `# A class.\nclass ${name} (${parameters}) {${body.join('')}}\n`;
}

function ruby(module: string, part: number): string {
  return `# frozen_string_literal: true
Puppet::Functions.create_function(:'${module}::f${part}') do
  dispatch(:x) { param 'String', :a }
  def x(a)
    a.upcase
  end
end
`;
}

function data(module: string): string {
  const keys = Array.from({ length: 12 }, (_, n) => `${module}::k${n}: [a, { b: ${n} }]\n`);
  return `---\n${keys.join('')}`;
}
