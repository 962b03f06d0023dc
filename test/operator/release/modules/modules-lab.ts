import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishAnswer } from '../../../../operator/answers.ts';
import { BUCKET, git, type OperatorLab } from '../../operator-lab.ts';

/** Debian forky has no r10k, and the set-up cannot install it there. */
export const hasR10k = spawnSync('r10k', ['version']).error === undefined;

/** A module in a separate git repository, and a control repository whose Puppetfile names it. */
export async function withPuppetfile(
  lab: OperatorLab,
): Promise<{ module: string; commit: string }> {
  const module = join(lab.directory, 'modules-at-home/thing');
  await mkdir(join(module, 'manifests'), { recursive: true });
  await mkdir(join(module, 'spec'));
  await git(module, 'init', '--quiet', '--initial-branch=main');
  await writeFile(join(module, 'manifests/init.pp'), 'class thing { }\n');
  await writeFile(join(module, 'spec/x_spec.rb'), '');
  await writeFile(join(module, 'metadata.json'), '{"name": "acme-thing", "version": "1.2.3"}');
  await git(module, 'add', '--all');
  await git(module, 'commit', '--quiet', '--message', 'thing');
  await git(module, 'tag', 'v1.2.3');
  await lab.write('.gitignore', 'miyamoto.yaml\n*.root.json\n.miyamoto/\n/modules/\n');
  await lab.commit('Puppetfile', `mod 'thing', :git => '${module}', :tag => 'v1.2.3'\n`);
  return { module, commit: await git(module, 'rev-parse', 'HEAD') };
}

export function configure(lab: OperatorLab, publish: string): void {
  execFileSync('sed', ['-i', `1i publish: ${publish}`, join(lab.repository, 'miyamoto.yaml')]);
}

export const PUBLISH = ['publish', 'stable', '--no-validate', '--json'];

export function unpacked(lab: OperatorLab, answer: PublishAnswer): Record<string, string> {
  const input = lab.server.get(BUCKET, answer.objects[0] ?? '');
  const list = execFileSync('tar', ['-tz'], { input, encoding: 'utf8' }).trim().split('\n');
  return Object.fromEntries(
    list
      .filter((path) => !path.endsWith('/'))
      .map((path) => [path, execFileSync('tar', ['-xzO', path], { input, encoding: 'utf8' })]),
  );
}
