import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { type Cells, padded } from './columns.ts';
import type { ReportHead } from './format.ts';
import type { PageSource } from './page-source.ts';
import type { ReadColumns } from './read-columns.ts';

/**
 * The report: one file that asks for nothing else. What hosts wrote is in the compressed data and
 * nowhere else; the alphabet of Base64 has no `<`, so that no text of a host can end the element.
 * The policy lets a browser run the one script of the page, and nothing else.
 */
export function reportHtml(
  { html, style, script }: PageSource,
  about: Omit<ReportHead, 'columns' | 'hosts' | 'messages'>,
  { hosts, columns, messages }: ReadColumns,
): string {
  const ended = columns.map((column) => column.end());
  const head: ReportHead = { ...about, hosts, messages, columns: ended.map((each) => each.head) };
  const parts: Readonly<Record<string, string>> = {
    policy: policyFor(style, script),
    style: `<style>${style}</style>`,
    data: dataOf(
      head,
      ended.map((each) => each.cells),
    ).toString('base64'),
    script: `<script>${script}</script>`,
  };
  return html.replace(
    /<!-- (policy|style|data|script) -->/g,
    (_, name: string) => parts[name] ?? '',
  );
}

function policyFor(style: string, script: string): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    'img-src data:', // the icon
    "base-uri 'none'",
    "form-action 'none'",
    // Text of a host becomes HTML in no way.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
}

function dataOf(head: ReportHead, columns: readonly Cells[]): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const parts = [length, padded(text), ...columns.map((cells) => padded(cells))];
  return deflateRawSync(Buffer.concat(parts), { level: 9 });
}
