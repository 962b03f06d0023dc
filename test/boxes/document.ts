import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../packaging/build.ts';

export interface Block {
  readonly language: string;
  /** The line before it. */
  readonly above: string;
  readonly text: string;
}

/** A document of this repository, whose commands a test carries out as they are. */
export interface FollowedDocument {
  /** The code blocks of a section, without the indentation of a list. */
  blocks(heading: string): Block[];
  /** The lines of its blocks for the shell, without comments, that begin with `first`. */
  commands(heading: string, first?: string): string[];
}

export async function followed(path: string): Promise<FollowedDocument> {
  const text = await readFile(join(ROOT, path), 'utf8');
  const blocks = (heading: string): Block[] => {
    const section = text.split(/^##+ /m).find((each) => each.startsWith(`${heading}\n`));
    assert.ok(section, `${path} has no section "${heading}"`);
    const fences = section.matchAll(/([^\n]*)\n( *)```(\w+)\n(.*?)\n *```/gs);
    return [...fences].map(([, above = '', indent = '', language = '', code = '']) => ({
      language,
      above,
      text: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }));
  };
  return {
    blocks,
    commands: (heading, first = '') =>
      blocks(heading)
        .flatMap(({ language, text: code }) => (language === 'sh' ? code.split('\n') : []))
        .map((line) => line.replace(/\s+#.*/, ''))
        .filter((line) => line.startsWith(first)),
  };
}
