import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { PuppetExit } from '../../../../../agent/core/run/puppet-run.ts';
import {
  prepareRubyCache,
  removeCacheAfterCrash,
} from '../../../../../agent/io/puppet/ruby/ruby-cache.ts';
import { type Ended, runRuby, writeRubyLibrary } from '../../../../support/ruby-program.ts';
import { names, temporaryDirectory } from '../../../../support/temporary-directory.ts';
import { waitUntil } from '../../../../support/wait-until.ts';

let place: string;
let library: string;
/** A warm cache, as a template for copies. */
let warm: string;
/** The output of the program without a cache. */
let plain: Ended;

const isRoot = process.geteuid?.() === 0;

before(async () => {
  place = await mkdtemp(join(tmpdir(), 'miyamoto-ruby-'));
  library = join(place, 'lib');
  await writeRubyLibrary(library);
  await writeRubyLibrary(belowRuns());
  await waitUntil(async () => Date.now() - (await stat(join(library, 'warns.rb'))).ctimeMs > 4000);
  plain = await runRuby(library, []);
  warm = await cacheAt('warm');
  assert.deepEqual(await run(warm), plain);
});
after(() => rm(place, { recursive: true }));

/** A library beside the run directory of the cache, `runs`. */
const belowRuns = () => join(place, 'runs/runs/other');

/** An empty cache with the Ruby file that a run would load. */
async function cacheAt(name: string): Promise<string> {
  const directory = join(place, name, 'ruby-cache');
  const runDirectory = join(place, name, 'runs', 'run-1');
  await mkdir(runDirectory, { recursive: true });
  assert.equal(prepareRubyCache(directory, runDirectory).kind, 'ready');
  return directory;
}

function run(cache: string, shell?: string): Promise<Ended> {
  const preload = join(cache, '../runs/run-1/ruby-cache.rb');
  return runRuby(library, ['--disable=gems', `-r${preload}`], shell);
}

const packOf = (cache: string) => join(cache, 'pack');

/** A value that changes when a pack was written, because it is renamed into place. */
async function edition(cache: string): Promise<string> {
  const { ino, ctimeMs } = await lstat(packOf(cache));
  return `${ino} ${ctimeMs}`;
}

/** Changes the index of a pack with Ruby, including the checksum. */
function changeIndex(cache: string, change: string): void {
  const script = `require 'zlib'
    bytes = File.binread(ARGV[0])
    magic, length, _ = bytes.unpack('a15Q>N')
    ruby, entries = Marshal.load(bytes.byteslice(27, length))
    body = bytes.byteslice(27 + length, bytes.bytesize)
    ${change}
    index = Marshal.dump([ruby, entries])
    File.binwrite(ARGV[0], [magic, index.bytesize, Zlib.crc32(index)].pack('a15Q>N') + index + body)`;
  execFileSync('/usr/bin/ruby', ['-e', script, packOf(cache)]);
}

async function flip(cache: string, where: (size: number) => number): Promise<void> {
  const bytes = await readFile(packOf(cache));
  const at = where(bytes.length);
  bytes[at] = bytes[at]! ^ 0x55;
  await writeFile(packOf(cache), bytes);
}

test('ruby cache: a program sees the same without the cache, while it is built, and from the cache', async () => {
  const cache = await cacheAt('same');
  assert.equal(plain.code, 3, plain.stderr);
  assert.match(plain.stderr, /duplicated/);
  assert.deepEqual(await run(cache), plain);
  const built = await edition(cache);
  assert.deepEqual(await run(cache), plain);
  assert.equal(await edition(cache), built, 'nothing had to be compiled the second time');
});

test('ruby cache: a changed source is compiled again, even with the same size and mtime', async (t) => {
  const other = await temporaryDirectory(t);
  const file = join(other, 'twice.rb');
  await writeRubyLibrary(other);
  await waitUntil(async () => Date.now() - (await stat(file)).ctimeMs > 4000);
  const cache = await cacheAt('changes');
  const preload = join(cache, '../runs/run-1/ruby-cache.rb');
  const options = ['--disable=gems', `-r${preload}`];
  const first = await runRuby(other, options);
  const { atime, mtime } = await stat(file);
  await writeFile(file, (await readFile(file, 'utf8')).replace('twice: ', 'TWICE: '));
  await utimes(file, atime, mtime);
  const second = await runRuby(other, options);
  assert.equal(second.stdout, first.stdout.replaceAll('twice: ', 'TWICE: '));
});

test('ruby cache: code beside the run directory and recently written code is not stored', async () => {
  const cache = await cacheAt('runs');
  const below = belowRuns();
  const preload = join(cache, '../runs/run-1/ruby-cache.rb');
  await runRuby(below, ['--disable=gems', `-r${preload}`]);
  const fresh = join(place, 'fresh');
  await writeRubyLibrary(fresh);
  await runRuby(fresh, ['--disable=gems', `-r${preload}`]);
  const pack = await readFile(packOf(cache));
  assert.ok(pack.includes('optparse.rb'));
  assert.ok(!pack.includes(below) && !pack.includes(fresh));
});

suite('ruby cache: the run continues with the same outcome, and a good pack is written, when', () => {
  const cases: Record<string, (cache: string) => Promise<void> | void> = {
    'the pack is empty': (cache) => truncate(packOf(cache), 0),
    'it ends in the head': (cache) => truncate(packOf(cache), 20),
    'it ends in the index': (cache) => truncate(packOf(cache), 500),
    'it ends in the code': async (cache) =>
      truncate(packOf(cache), Math.floor((await stat(packOf(cache))).size / 2)),
    'its last byte is gone': async (cache) =>
      truncate(packOf(cache), (await stat(packOf(cache))).size - 1),
    'a bit of the magic is another': (cache) => flip(cache, () => 3),
    'a bit of the length is another': (cache) => flip(cache, () => 15),
    'a bit of the checksum is another': (cache) => flip(cache, () => 25),
    'a bit of the index is another': (cache) => flip(cache, () => 400),
    'a bit of the code is another': (cache) => flip(cache, (size) => size - 9000),
    'it is text': (cache) => writeFile(packOf(cache), 'MIYAMOTO\n'.repeat(1000)),
    'two entries are swapped': (cache) =>
      changeIndex(
        cache,
        `a, b = entries.keys.grep(/optparse|plain/).first(2)
         entries[a], entries[b] = [entries[a][0], *entries[b][1, 2], entries[a][3]], [entries[b][0], *entries[a][1, 2], entries[b][3]]`,
      ),
    'it is of another Ruby': (cache) => changeIndex(cache, `ruby[0] = 'ruby 3.0.0p0'`),
    'its code is invalid, with the right checksum': (cache) =>
      changeIndex(
        cache,
        `body = 'no code'.b; entries.each_value { |e| e[1, 3] = [0, 7, Zlib.crc32(body)] }`,
      ),
    'its index is something else': (cache) => changeIndex(cache, 'entries = 7'),
    'its entries are something else': (cache) =>
      changeIndex(cache, 'entries.each_key { |path| entries[path] = nil }'),
    'others may read it': (cache) => chmod(packOf(cache), 0o644),
    'others may write it': (cache) => chmod(packOf(cache), 0o602),
    'a link is in its place': async (cache) => {
      await rename(packOf(cache), join(cache, 'elsewhere'));
      await symlink(join(cache, 'elsewhere'), packOf(cache));
    },
    'half of a new pack is left over': (cache) => writeFile(`${packOf(cache)}.new`, 'half'),
    ...(isRoot ? { 'it belongs to another user': (cache) => chown(packOf(cache), 1, 1) } : {}),
  };
  for (const [name, damage] of Object.entries(cases)) {
    test(name, async () => {
      const cache = await cacheAt(name);
      await copyFile(packOf(warm), packOf(cache));
      await chmod(packOf(cache), 0o600);
      await damage(cache);
      if (name.startsWith('half')) await rm(packOf(cache));
      const damaged = await edition(cache).catch(() => 'none');
      assert.deepEqual(await run(cache), plain);
      assert.notEqual(await edition(cache), damaged, 'a new pack was made');
      const made = await edition(cache);
      assert.deepEqual(await run(cache), plain);
      assert.equal(await edition(cache), made, 'nothing was compiled again');
      assert.equal((await lstat(packOf(cache))).mode & 0o7777, 0o600);
      assert.ok(!(await names(cache)).includes('pack.new'));
    });
  }
});

suite('ruby cache: the run continues with the same outcome, without a pack, when', () => {
  test('a directory is in the place of the pack, until the next run is prepared', async () => {
    const cache = await cacheAt('directory');
    await mkdir(join(packOf(cache), 'deep'), { recursive: true });
    assert.deepEqual(await run(cache), plain);
    prepareRubyCache(cache, join(cache, '../runs/run-1'));
    assert.deepEqual(await run(cache), plain);
    assert.ok((await lstat(packOf(cache))).isFile());
  });

  test('a fifo is in its place', async () => {
    const cache = await cacheAt('fifo');
    execFileSync('mkfifo', [packOf(cache)]);
    assert.deepEqual(await run(cache), plain);
  });

  test('a link is in the place of the new pack: it is not followed', async () => {
    const cache = await cacheAt('link');
    const victim = join(place, 'victim');
    await writeFile(victim, 'as it was');
    await symlink(victim, `${packOf(cache)}.new`);
    assert.deepEqual(await run(cache), plain);
    assert.equal(await readFile(victim, 'utf8'), 'as it was');
  });

  test('a directory is in the place of the new pack', async () => {
    const cache = await cacheAt('new-directory');
    await mkdir(`${packOf(cache)}.new`);
    assert.deepEqual(await run(cache), plain);
  });

  test('the disk is full', async () => {
    const cache = await cacheAt('full');
    assert.deepEqual(await run(cache, "trap '' XFSZ; ulimit -f 8;"), plain);
    assert.deepEqual(await names(cache), []);
  });

  test('its directory is missing', async () => {
    const cache = await cacheAt('gone');
    await rm(cache, { recursive: true });
    assert.deepEqual(await run(cache), plain);
    assert.deepEqual(await names(cache), []);
  });
});

suite('ruby cache: a directory that others could change is not used:', () => {
  const cases: Record<string, { readonly harm: (root: string) => Promise<void>; why: RegExp }> = {
    'others may write it': { harm: (root) => chmod(join(root, 'ruby-cache'), 0o777), why: /777/ },
    'others may look into it': {
      harm: (root) => chmod(join(root, 'ruby-cache'), 0o750),
      why: /750/,
    },
    'its group may write the one above': { harm: (root) => chmod(root, 0o770), why: /770/ },
    'it is a file': {
      harm: async (root) => {
        await rm(join(root, 'ruby-cache'), { recursive: true });
        await writeFile(join(root, 'ruby-cache'), '');
      },
      why: /ruby-cache is a file, where a directory is needed/,
    },
    ...(isRoot
      ? {
          'it belongs to another user': {
            harm: (root) => chown(join(root, 'ruby-cache'), 1, 1),
            why: /uid 1,/,
          },
          'the one above is': { harm: (root) => chown(root, 1, 1), why: /uid 1,/ },
          'it is a link into the directory of another user': {
            harm: async (root) => {
              await mkdir(join(root, 'theirs/ruby-cache'), { recursive: true, mode: 0o700 });
              await chown(join(root, 'theirs'), 1, 1);
              await rm(join(root, 'ruby-cache'), { recursive: true });
              await symlink(join(root, 'theirs/ruby-cache'), join(root, 'ruby-cache'));
            },
            why: /theirs is of uid 1/,
          },
        }
      : {}),
  };
  for (const [name, { harm, why }] of Object.entries(cases)) {
    test(name, async (t) => {
      const root = await temporaryDirectory(t);
      await mkdir(join(root, 'ruby-cache'), { mode: 0o700 });
      await mkdir(join(root, 'run'));
      await harm(root);
      const cache = prepareRubyCache(join(root, 'ruby-cache'), join(root, 'run'));
      assert.equal(cache.kind, 'unusable');
      assert.match(cache.why, why);
      assert.deepEqual(await names(join(root, 'run')), []);
    });
  }
});

test('ruby cache: the cache is removed after a crash of Ruby, and only then', async (t) => {
  const ends: readonly [PuppetExit, boolean][] = [
    [{ kind: 'killed', signal: 'SIGSEGV', why: 'foreign' }, true],
    [{ kind: 'killed', signal: 'SIGABRT', why: 'foreign' }, true],
    [{ kind: 'killed', signal: 'SIGKILL', why: 'foreign' }, false],
    [{ kind: 'killed', signal: 'SIGKILL', why: 'time-limit' }, false],
    [{ kind: 'exited', exitCode: 1 }, false],
    [{ kind: 'unseen' }, false],
  ];
  for (const [exit, isGone] of ends) {
    const root = await temporaryDirectory(t);
    await mkdir(join(root, 'ruby-cache'));
    removeCacheAfterCrash(exit, join(root, 'ruby-cache'));
    assert.deepEqual(await names(root), isGone ? [] : ['ruby-cache'], JSON.stringify(exit));
  }
});
