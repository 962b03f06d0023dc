import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { ValidateAnswer } from '../../../../operator/by-hand-answers.ts';
import { type TarEntry, tarGz } from '../../../support/tar-writer.ts';
import { git } from '../../operator-lab.ts';
import { ciLab, Thief } from '../key/theft.ts';

const MARK = '.mm-checkout.json';
const SITE: TarEntry = { path: 'manifests/site.pp', content: 'node default { }\n' };

test('checkout: looking at the release of a thief runs nothing of it and configures nothing', async (t) => {
  const lab = await ciLab(t);
  const ran = join(lab.directory, 'ran');
  const into = join(lab.directory, 'stolen');
  const command = JSON.stringify(['sh', '-c', `touch ${ran}`]);
  const config = `${await readFile(join(lab.repository, 'miyamoto.yaml'), 'utf8')}\npublish: { modules: { command: ${command} } }\n`;
  const puppetfile = `File.write('${ran}', '')\nmod 'acme/thing', '1.0.0'\n`;
  await new Thief(lab).release(
    tarGz([
      SITE,
      { path: 'Puppetfile', content: puppetfile },
      { path: 'miyamoto.yaml', content: config },
      { path: 'lib/a/miyamoto.yaml', content: config },
      { path: 'environments/x/Puppetfile', content: puppetfile },
      { path: `${MARK}/mark`, content: '' },
    ]),
    20,
  );
  // What installs modules, on the search path.
  const bin = join(lab.directory, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'r10k'), `#!/bin/sh\ntouch ${ran}\n`);
  await chmod(join(bin, 'r10k'), 0o755);
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
  const mm = async (cwd: string, ...args: string[]) =>
    await lab.mm([...args, '--json'], { cwd, env, isRoot: true });
  const outside = lab.repository;
  assert.equal((await mm(outside, 'checkout', 'testing', '--into', into)).exitCode, 0);
  const { sha256 } = JSON.parse(await readFile(join(into, MARK), 'utf8'));
  assert.match(sha256, /^[0-9a-f]{64}$/);
  const link = join(lab.directory, 'link');
  await symlink(into, link);
  const inside = 'FILE_UNSAFE';
  const rows: readonly (readonly [code: string, cwd: string, ...args: string[]])[] = [
    [inside, into, 'validate'],
    [inside, into, 'publish', 'stable', '--directory', '.'],
    [inside, join(into, 'lib/a'), 'doctor'],
    [inside, into, 'config'],
    [inside, outside, 'validate', '--config', join(link, 'miyamoto.yaml')],
    ['RELEASE_INVALID', outside, 'validate', into],
    ['RELEASE_INVALID', outside, 'validate', link],
    ['RELEASE_INVALID', outside, 'validate', join(into, 'environments/x')],
    ['RELEASE_INVALID', outside, 'publish', 'stable', '--directory', into],
  ];
  const codeOf = async (cwd: string, ...args: string[]) => {
    const { json, stderr } = await mm(cwd, ...args);
    const { error } = ErrorAnswer.parse(json, { error: () => `${args.join(' ')}: ${stderr}` });
    assert.match(error.next ?? '', new RegExp(`rm ${join(into, MARK)}`), args.join(' '));
    return error.code;
  };
  for (const [code, ...args] of rows) assert.equal(await codeOf(...args), code, args.join(' '));
  await rm(join(into, 'miyamoto.yaml'));
  assert.equal(await codeOf(into, 'apply', '--noop'), inside);
  await git(into, 'init', '--quiet');
  assert.equal(await codeOf(into, 'validate'), 'RELEASE_INVALID');
  assert.ok(!existsSync(ran));
  // A person who trusts the release removes the mark.
  await rm(join(into, MARK));
  await mm(outside, 'validate', into);
  assert.ok(existsSync(ran), 'the test is about code that would run');
});

test('checkout: without code a release can be checked, and published without its mark', async (t) => {
  const lab = await ciLab(t);
  const into = join(lab.directory, 'stolen');
  const again = join(lab.directory, 'again');
  assert.equal((await lab.mm(['checkout', 'testing', '--into', into])).exitCode, 0);
  await rm(join(into, 'release.json'));
  const done = await lab.mm(['validate', into, '--json']);
  assert.equal(ValidateAnswer.parse(done.json, { error: () => done.stderr }).outcome, 'valid');
  await writeFile(join(into, 'manifests/site.pp'), '# corrected\n');
  const published = await lab.mm(['publish', 'stable', '--directory', into]);
  assert.equal(published.exitCode, 0, published.stderr);
  const { stdout } = await lab.mm(['diff', 'testing', 'stable', '--json']);
  assert.ok(!stdout.includes(MARK), stdout);
  assert.equal((await lab.mm(['checkout', 'stable', '--into', again])).exitCode, 0);
});

test('checkout and diff: what only the hosts of the tree refuse is named', async (t) => {
  const lab = await ciLab(t);
  const thief = new Thief(lab);
  const links = ['a', 'b', 'c'].map(
    (path): TarEntry => ({ path, type: '2', linkpath: '/etc/shadow' }),
  );
  const config = join(lab.repository, 'miyamoto.yaml');
  const text = await readFile(config, 'utf8');
  const rows = [
    ['any', [SITE, ...links], /"a" .*\/etc\/shadow.*, and 2 more$/m],
    ['any', [SITE, { path: 'Manifests/x.pp' }], undefined],
    ['portable', [SITE, { path: 'Manifests/x.pp' }], /ignores case/],
  ] as const;
  for (const [index, [names, entries, wanted]] of rows.entries()) {
    await thief.release(tarGz(entries), 20 + index);
    await writeFile(
      config,
      names === 'any' ? text : text.replace(/^( +)id:/m, '$1ignores_case: true\n$&'),
    );
    const into = join(lab.directory, `new${index}`);
    for (const args of [
      ['checkout', 'testing', '--into', into],
      ['diff', 'stable', 'testing'],
    ]) {
      const { stderr } = await lab.mm(args);
      if (wanted === undefined) assert.ok(!stderr.includes('hosts refuse'), stderr);
      else assert.match(stderr, wanted, `${args[0]}: ${stderr}`);
    }
  }
});
