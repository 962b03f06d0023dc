import type { Guard } from './guards.ts';

/** What the signer of a tarball must not do to a host, one line of the reader for each. */
const ROWS: readonly (readonly [file: string, line: string, instead: string, name: string])[] = [
  [
    'read-archive',
    '    if (entry.size > maxBytes) throw tooLarge(maxBytes, entry.path);\n',
    '',
    'a terabyte in a few bytes',
  ],
  ['read-archive', 'if (bytes > maxBytes) throw tooLarge(maxBytes, tar.lastEntry);', '', 'a bomb'],
  ['read-archive', '=== 0x1f8b', '=== -1', 'gzip in gzip'],
  ['read-archive', "includes('\\0')", "includes('\\0\\0')", 'with a NUL'],
  ['read-archive', '/^\\d+ GNU\\.sparse\\./m', '/^never/', 'a sparse file by'],
  [
    'read-archive',
    'all?.path !== undefined || all?.linkpath !== undefined || all?.size !== undefined',
    'all === null',
    'from a global header',
  ],
  [
    'read-archive',
    '!Number.isSafeInteger(size) || size < 0',
    'size < 0',
    'a size of a fraction|a size that no number',
  ],
  [
    'read-archive',
    'if (!this.#hasEnded) throw',
    'if (this.#head === undefined) throw',
    'without its end mark',
  ],
  ['unpack-rules', '(mode & 0o7000) !== 0', 'mode < 0', 'setuid is refused|setgid|sticky'],
  [
    'unpack-rules',
    "else if (there.kind !== 'directory')",
    "else if (there.kind === 'directory' && !there)",
    'a file through a link|a file below a file',
  ],
  [
    'unpack-rules',
    "there.isGiven || kind !== 'directory'",
    'there.path !== path',
    'the same file twice|the same directory twice',
  ],
  ['unpack-rules', 'this.#seen.size > maxFiles', 'this.#seen.size < 0', 'than the limit'],
];

/** The tarball of a release: its signer may be a thief. */
export const ARCHIVE_GUARDS: readonly Guard[] = ROWS.map(([file, line, instead, name]) => ({
  invariant: 'archive',
  file: `bucket/archive/${file}.ts`,
  line,
  instead,
  test: 'test/agent/steps/unpack/hostile.test.ts',
  name,
}));
