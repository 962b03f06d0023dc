import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BUCKET, type Lab, USERS, type User } from './lab.ts';
import { type Cost, measure } from './measure.ts';
import { EMPTY, HUNDRED, IDLE, MANY_FILES, THOUSAND, type Workload } from './workloads.ts';

const WORKLOADS = [EMPTY, HUNDRED, THOUSAND, IDLE, MANY_FILES];

/** The operator: a git repository with a branch per workload, and `mm`. */
export interface Operator {
  readonly tree: string;
  /** Path of the trust root that hosts are installed with. */
  readonly trustRoot: string;
  /** The repository of the {@link source}s, for contenders that clone it. */
  readonly repository: string;
  /** Makes a work tree with a new branch; the caller commits. */
  source(branch: string): Promise<string>;
  commit(directory: string): Promise<void>;
  /** Runs `mm publish`, by default without gates. */
  publish(workload: Workload, words?: readonly string[]): Promise<Cost>;
  /** Runs `mm diff` with the catalogs of that many hosts. */
  diff(workload: Workload, hosts: number): Promise<Cost>;
}

/** Makes a tree in the bucket, with `mm init`. */
export async function openOperator(lab: Lab, tree: string): Promise<Operator> {
  const desk = join(lab.folder, `operator-${tree}`);
  const repository = join(lab.folder, `repository-${tree}`);
  await mkdir(desk);
  const git = async (directory: string, ...words: string[]): Promise<void> => {
    const identity = ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.com'];
    await run(lab, ['git', '-C', directory, ...identity, ...words]);
  };
  await git(lab.folder, 'init', '--quiet', '--initial-branch=main', repository);
  await git(repository, 'commit', '--quiet', '--allow-empty', '--message', 'A beginning');
  await mm(lab, desk, ['init', ...initOptions(lab, tree, repository)]);
  return {
    tree,
    trustRoot: join(desk, `${tree}.root.json`),
    repository,
    async source(branch) {
      const directory = join(lab.folder, 'sources', branch);
      await git(repository, 'worktree', 'add', '--quiet', '-b', branch, directory);
      return directory;
    },
    async commit(directory) {
      await git(directory, 'add', '--all');
      await git(directory, 'commit', '--quiet', '--message', 'A change');
    },
    publish: ({ name }, words = ['--no-validate']) => mm(lab, desk, ['publish', name, ...words]),
    // A publisher may not read what hosts report.
    diff: ({ name }, hosts) =>
      mm(lab, desk, ['diff', name, '--sample', String(hosts)], USERS.rival),
  };
}

function initOptions({ server, folder }: Lab, tree: string, repository: string): readonly string[] {
  return [
    ...['--bucket', BUCKET, '--tree', tree, '--id', `bench/${tree}`],
    ...['--endpoint', server.endpoint, '--region', server.region],
    ...['--repository', repository, '--keys', join(folder, 'keys')],
    ...WORKLOADS.flatMap(({ name }) => ['--environment', `${name}=${name}`]),
  ];
}

async function mm(
  lab: Lab,
  cwd: string,
  words: readonly string[],
  user: User = USERS.publisher,
): Promise<Cost> {
  const argv = [...lab.programs.operator, ...words];
  return await measure({ argv, cwd, environment: lab.environment(user) }, lab);
}

async function run(lab: Lab, argv: readonly string[]): Promise<void> {
  await measure({ argv, environment: lab.environment(USERS.rival) }, lab);
}
