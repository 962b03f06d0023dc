import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { Header, type HeaderData } from 'tar';
import { type ConfigFile, type ConfigPackage, FILE_TIME, MAINTAINER } from './config-package.ts';
import { debDocuments } from './deb-documents.ts';
import { gzip } from './gzip.ts';

/**
 * A package for Debian and Ubuntu, as deb(5) describes it: an ar archive of the format's version
 * and two tarballs. No program of Debian is needed. The same input gives the same bytes.
 */
export function debPackage(config: ConfigPackage): Buffer {
  const files = [...config.files, ...debDocuments(config)];
  const data = files.map(({ path, content }) => ({
    path: `.${path}`,
    content,
    mode: 0o644,
  }));
  return ar({
    'debian-binary': Buffer.from('2.0\n'),
    'control.tar.gz': gzip(tar(controlFiles(config, files))),
    'data.tar.gz': gzip(tar(data)),
  });
}

interface Entry {
  /** `./etc/x`. */
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

function controlFiles(config: ConfigPackage, all: readonly ConfigFile[]): Entry[] {
  const { files, afterwards } = config;
  const sums = all.map(
    ({ path, content }) => `${createHash('md5').update(content).digest('hex')}  ${path.slice(1)}\n`,
  );
  const text = (name: string, content: string, mode = 0o644) => ({
    path: `./${name}`,
    content: Buffer.from(content),
    mode,
  });
  return [
    text('conffiles', files.map(({ path }) => `${path}\n`).join('')),
    text('control', control(config, all)),
    text('md5sums', sums.join('')),
    text('postinst', `#!/bin/sh\nset -e\n${afterwards}`, 0o755),
  ];
}

function control(config: ConfigPackage, all: readonly ConfigFile[]): string {
  const { name, version, summary, requires, kind, description } = config;
  const bytes = all.reduce((sum, { content }) => sum + content.length, 0);
  const fields = {
    Package: name,
    Version: version,
    Architecture: 'all',
    Maintainer: MAINTAINER,
    'Installed-Size': Math.ceil(bytes / 1024),
    Depends: requires,
    Provides: kind,
    Conflicts: kind,
    Section: 'admin',
    Priority: 'optional',
    Description: `${summary}\n ${description.replaceAll('\n', '\n ')}`,
  };
  return Object.entries(fields)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

const BLOCK = 512;

/** With the directories of the entries, all owned by root. */
function tar(entries: readonly Entry[]): Buffer {
  const folders = new Set(entries.flatMap(({ path }) => parents(path)));
  const blocks = [...folders].map((path) =>
    header({ path: `${path}/`, type: 'Directory', mode: 0o755 }),
  );
  for (const { path, content, mode } of entries) {
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    blocks.push(header({ path, type: 'File', mode, size: content.length }), content, padding);
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** Outermost first: `.`, `./etc`. */
function parents(path: string): string[] {
  const parent = dirname(path);
  return parent === '.'
    ? ['.']
    : [...parents(parent), parent.startsWith('./') ? parent : `./${parent}`];
}

function header(fields: HeaderData): Buffer {
  const block = Buffer.alloc(BLOCK);
  const mtime = new Date(FILE_TIME * 1000);
  const owner = { uid: 0, gid: 0, uname: 'root', gname: 'root' };
  new Header({ size: 0, mtime, ...owner, ...fields }).encode(block);
  return block;
}

/** As ar(5) of BSD and GNU has it. Names are shorter than 16 bytes. */
function ar(members: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(members).flatMap(([name, content]) => [
    Buffer.from(
      [
        name.padEnd(16),
        String(FILE_TIME).padEnd(12),
        '0'.padEnd(6),
        '0'.padEnd(6),
        '100644'.padEnd(8),
        String(content.length).padEnd(10),
        '`\n',
      ].join(''),
    ),
    content,
    Buffer.from(content.length % 2 === 1 ? '\n' : ''),
  ]);
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}
