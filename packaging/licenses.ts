import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * The licence texts of every package that is in a bundle, each text once: most licences require
 * that their text comes with the code. `inputs` are the paths in esbuild's metafile, relative to
 * `root`.
 */
export async function licenseTexts(root: string, inputs: Iterable<string>): Promise<string> {
  const folders = new Set<string>();
  for (const input of inputs) {
    const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder !== undefined) folders.add(join(root, folder));
  }
  const titlesByText = new Map<string, string[]>();
  for (const folder of [...folders].sort()) {
    const { title, text } = await licenseOf(folder);
    titlesByText.set(text, [...(titlesByText.get(text) ?? []), title]);
  }
  return [...titlesByText]
    .map(([text, titles]) => `${titles.join('\n')}\n${'='.repeat(72)}\n${text}\n`)
    .join('\n');
}

async function licenseOf(folder: string): Promise<{ title: string; text: string }> {
  const { name, version, license } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  ) as Package;
  const files = (await readdir(folder)).filter((file) =>
    /^(licen[sc]e|copying|notice)/i.test(file),
  );
  if (files.length === 0 && license === undefined) {
    throw new Error(`${folder} names no licence: find out which one it has before it is shipped`);
  }
  const texts = await Promise.all(files.sort().map((file) => readFile(join(folder, file), 'utf8')));
  return {
    title: `${name} ${version}, ${license ?? 'licence as follows'}`,
    text: texts.map((text) => text.trim()).join('\n\n'),
  };
}
