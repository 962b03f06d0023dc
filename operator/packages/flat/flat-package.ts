import { gzip } from '../gzip.ts';
import { billOfMaterials } from './bom.ts';
import { cpioArchive } from './cpio.ts';
import { type Item, withDirectories } from './payload.ts';
import { xarArchive } from './xar.ts';

export type MacArchitecture = 'arm64' | 'x86_64';

export interface FlatPackage {
  /** `com.github.miyamoto.agent`: what pkgutil(1) knows the package by. */
  readonly identifier: string;
  /** Digits and dots. */
  readonly version: string;
  /** What the Installer shows. */
  readonly title: string;
  /** By default the package is for any Mac. */
  readonly architecture?: MacArchitecture | undefined;
  /** The first macOS that the programs start on. */
  readonly minimumSystem?: string | undefined;
  /** Files and empty directories; the directories above them come by themselves. */
  readonly items: readonly Item[];
  /** Texts for sh, which the installer runs as root. */
  readonly scripts: Readonly<Partial<Record<'preinstall' | 'postinstall', string>>>;
  /** The time of all files, seconds since 1970. */
  readonly time: number;
}

/**
 * A package for the installer of macOS, as pkgbuild(1) and productbuild(1) write it, with one
 * component. No program of Apple is needed. The same input gives the same bytes. It has no
 * signature.
 */
export function flatPackage(flat: FlatPackage): Buffer {
  const items = withDirectories(flat.items);
  const kilobytes = installedKilobytes(items);
  const component = componentName(flat);
  const scripts = Object.entries(flat.scripts).map(([path, text]) => {
    return { path, mode: 0o755, content: Buffer.from(`#!/bin/sh\n${text}`) };
  });
  const { time } = flat;
  const part = (name: string, content: Uint8Array) => ({ path: `${component}/${name}`, content });
  const packed = (name: string, contents: readonly Item[]) => {
    return { ...part(name, gzip(cpioArchive(contents, time), LEVEL)), isStored: true };
  };
  return xarArchive(
    [
      part('Bom', billOfMaterials(items, time)),
      packed('Payload', items),
      packed('Scripts', withDirectories(scripts)),
      part('PackageInfo', Buffer.from(packageInfo(flat, items.length + 1, kilobytes))),
      { path: 'Distribution', content: Buffer.from(distribution(flat, kilobytes)) },
    ],
    time,
  );
}

/** Of a Node, the best one makes 0.3 % less, and needs three times as long. */
const LEVEL = 6;

/** Whole blocks of a disk. */
function installedKilobytes(items: readonly Item[]): number {
  const blocks = items.map(({ content }) => Math.ceil((content?.length ?? 1) / 512));
  return Math.ceil(blocks.reduce((sum, each) => sum + each, 0) / 2);
}

function componentName({ identifier }: FlatPackage): string {
  return `${identifier.slice(identifier.lastIndexOf('.') + 1)}.pkg`;
}

function packageInfo(flat: FlatPackage, files: number, kilobytes: number): string {
  const scripts = Object.keys(flat.scripts).map((name) => `    <${name} file="./${name}"/>`);
  return `<?xml version="1.0" encoding="utf-8"?>
<pkg-info overwrite-permissions="true" relocatable="false" identifier="${xml(flat.identifier)}" postinstall-action="none" version="${xml(flat.version)}" format-version="2" install-location="/" auth="root">
  <payload numberOfFiles="${files}" installKBytes="${kilobytes}"/>
  <scripts>
${scripts.join('\n')}
  </scripts>
</pkg-info>
`;
}

/**
 * Without hostArchitectures the Installer of a Mac with Apple silicon wants Rosetta first. See
 * "Distribution XML Reference" of Apple.
 */
function distribution(flat: FlatPackage, kilobytes: number): string {
  const { title, version, minimumSystem, architecture = 'x86_64,arm64' } = flat;
  const identifier = xml(flat.identifier);
  const check =
    minimumSystem === undefined
      ? ''
      : `
  <volume-check><allowed-os-versions><os-version min="${xml(minimumSystem)}"/></allowed-os-versions></volume-check>`;
  return `<?xml version="1.0" encoding="utf-8"?>
<installer-gui-script minSpecVersion="2">
  <title>${xml(title)}</title>
  <options customize="never" require-scripts="false" hostArchitectures="${architecture}"/>
  <domains enable_localSystem="true"/>${check}
  <choices-outline><line choice="default"><line choice="${identifier}"/></line></choices-outline>
  <choice id="default"/>
  <choice id="${identifier}" visible="false"><pkg-ref id="${identifier}"/></choice>
  <pkg-ref id="${identifier}" version="${xml(version)}" onConclusion="none" installKBytes="${kilobytes}" updateKBytes="0">#${componentName(flat)}</pkg-ref>
</installer-gui-script>
`;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
