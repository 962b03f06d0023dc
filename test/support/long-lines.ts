import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT, projectFiles } from './project-files.ts';

const COMMENT_END = 100;
const MARKDOWN_END = 120;
const SOURCES =
  /^(agent|bench|bucket|examples|operator|packaging|shared|test|trust)\/.*\.(ts|rb|pl|sh)$/;
const PAGES = /^(docs\/.*|README|CONTRIBUTING)\.md$/;
/** A linter reads such a comment only when it is one line. */
const DIRECTIVE = /^\s*\/\/ (biome|oxlint)-/;

/** Comments and lines of Markdown that are too long, as `file:line: 104 characters`. */
export function longLines(): string[] {
  return projectFiles().flatMap((file) => {
    if (SOURCES.test(file)) return report(file, longComments(file, textOf(file)), COMMENT_END);
    return PAGES.test(file) ? report(file, longMarkdown(textOf(file)), MARKDOWN_END) : [];
  });
}

interface Line {
  readonly number: number;
  readonly length: number;
}

/** Comments on separate lines: the formatter already breaks code with a comment behind it. */
export function longComments(file: string, text: string): Line[] {
  const comment = file.endsWith('.ts') ? /^\s*(\/\/|\/?\*)/ : /^\s*#/;
  return numbered(text)
    .filter(({ line }) => comment.test(line) && !DIRECTIVE.test(line) && !/https?:/.test(line))
    .map(({ number, line }) => ({ number, length: line.length }))
    .filter(({ length }) => length > COMMENT_END);
}

/** Skips code blocks, tables and generated parts, and does not count the targets of links. */
export function longMarkdown(text: string): Line[] {
  let isCode = false;
  let isGenerated = false;
  return numbered(text)
    .filter(({ line }) => {
      if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
      if (/^<!-- .*: begin -->$/.test(line)) isGenerated = true;
      if (/^<!-- .*: end -->$/.test(line)) isGenerated = false;
      return !isCode && !isGenerated && !/^\s*\|/.test(line);
    })
    .map(({ number, line }) => ({
      number,
      length: line.replaceAll(/\]\([^)]*\)|https?:\S+/g, '').length,
    }))
    .filter(({ length }) => length > MARKDOWN_END);
}

function report(file: string, lines: readonly Line[], end: number): string[] {
  return lines.map(
    ({ number, length }) => `${file}:${number}: ${length} characters, must end at column ${end}`,
  );
}

function numbered(text: string): { number: number; line: string }[] {
  return text.split('\n').map((line, index) => ({ number: index + 1, line }));
}

function textOf(file: string): string {
  return readFileSync(join(PROJECT, file), 'utf8');
}
