import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { type ConfigPackage, FILE_TIME, MAINTAINER } from './config-package.ts';
import { gzip } from './gzip.ts';
import { int32, rpmHeader, type Value } from './rpm-header.ts';

/**
 * A package for the RedHat family: lead, signature, header, and the files as cpio. No rpmbuild is
 * needed. The same input gives the same bytes. It has digests and no signature.
 * https://rpm-software-management.github.io/rpm/manual/format_v4.html
 */
export function rpmPackage(config: ConfigPackage): Buffer {
  const archive = cpio(config);
  const payload = gzip(archive);
  const header = rpmHeader(63, headerTags(config, payload));
  const signature = rpmHeader(62, {
    [TAG.sha1Header]: { string: hash('sha1', header) },
    [TAG.sha256Header]: { string: hash('sha256', header) },
    [TAG.signatureSize]: { int32: [header.length + payload.length] },
    [TAG.signatureMd5]: {
      bytes: createHash('md5').update(header).update(payload).digest(),
    },
    [TAG.signaturePayloadSize]: { int32: [archive.length] },
  });
  const padding = Buffer.alloc((8 - (signature.length % 8)) % 8);
  return Buffer.concat([lead(config), signature, padding, header, payload]);
}

const RELEASE = '1';
const REGULAR = 0o100644;
const SHA256 = 8;

const TAG = {
  ...{ sha1Header: 269, sha256Header: 273 },
  ...{ signatureSize: 1000, signatureMd5: 1004, signaturePayloadSize: 1007 },
  ...{ i18nTable: 100, name: 1000, version: 1001, release: 1002, summary: 1004, description: 1005 },
  ...{ buildTime: 1006, buildHost: 1007, size: 1009, license: 1014, packager: 1015, group: 1016 },
  ...{ os: 1021, architecture: 1022, postInstall: 1024, fileSizes: 1028, fileModes: 1030 },
  ...{ fileDevices: 1033, fileTimes: 1034, fileDigests: 1035, fileLinks: 1036, fileFlags: 1037 },
  ...{ fileUsers: 1039, fileGroups: 1040, sourceRpm: 1044, fileVerifyFlags: 1045 },
  ...{ provideName: 1047, requireFlags: 1048, requireName: 1049, requireVersion: 1050 },
  ...{ conflictFlags: 1053, conflictName: 1054, conflictVersion: 1055, rpmVersion: 1064 },
  ...{ postInstallProgram: 1086, fileOnDevices: 1095, fileInodes: 1096, fileLanguages: 1097 },
  ...{ provideFlags: 1112, provideVersion: 1113, directoryIndexes: 1116, baseNames: 1117 },
  ...{ directoryNames: 1118, payloadFormat: 1124, payloadCompressor: 1125, payloadFlags: 1126 },
  ...{ fileDigestAlgorithm: 5011, encoding: 5062, payloadDigest: 5092 },
  payloadDigestAlgorithm: 5093,
} as const;

/** Bits of a dependency and of a file, as rpm/rpmds.h and rpm/rpmfi.h have them. */
const EQUAL = 8;
const AT_MOST = 2 | EQUAL;
const OF_RPM = 1 << 24;
const FOR_POST_INSTALL = (1 << 8) | (1 << 10);
const CONFIG_NO_REPLACE = 1 | 16;

/** What rpm itself must be able to do, with the version of rpm that could do it first. */
const FEATURES = {
  CompressedFileNames: '3.0.4-1',
  FileDigests: '4.6.0-1',
  PayloadFilesHavePrefix: '4.0-1',
};

function headerTags(config: ConfigPackage, payload: Buffer): Record<number, Value> {
  const { name, version, summary, description, kind, files, afterwards } = config;
  const each = <T>(value: T): T[] => files.map(() => value);
  return {
    [TAG.i18nTable]: { strings: ['C'] },
    [TAG.name]: { string: name },
    [TAG.version]: { string: version },
    [TAG.release]: { string: RELEASE },
    [TAG.summary]: { text: summary },
    [TAG.description]: { text: description },
    [TAG.buildTime]: { int32: [FILE_TIME] },
    [TAG.buildHost]: { string: 'reproducible' },
    [TAG.size]: { int32: [files.reduce((sum, { content }) => sum + content.length, 0)] },
    [TAG.license]: { string: 'MIT' },
    [TAG.packager]: { string: MAINTAINER },
    [TAG.group]: { text: 'Unspecified' },
    [TAG.os]: { string: 'linux' },
    [TAG.architecture]: { string: 'noarch' },
    [TAG.postInstall]: { string: afterwards },
    [TAG.postInstallProgram]: { string: '/bin/sh' },
    [TAG.fileSizes]: { int32: files.map(({ content }) => content.length) },
    [TAG.fileModes]: { int16: each(REGULAR) },
    [TAG.fileDevices]: { int16: each(0) },
    [TAG.fileTimes]: { int32: each(FILE_TIME) },
    [TAG.fileDigests]: { strings: files.map(({ content }) => hash('sha256', content)) },
    [TAG.fileLinks]: { strings: each('') },
    [TAG.fileFlags]: { int32: each(CONFIG_NO_REPLACE) },
    [TAG.fileUsers]: { strings: each('root') },
    [TAG.fileGroups]: { strings: each('root') },
    // Without it rpm takes the package for one with sources.
    [TAG.sourceRpm]: { string: `${name}-${version}-${RELEASE}.src.rpm` },
    [TAG.fileVerifyFlags]: { int32: each(-1) },
    [TAG.provideName]: { strings: [name, kind] },
    [TAG.provideFlags]: { int32: [EQUAL, 0] },
    [TAG.provideVersion]: { strings: [`${version}-${RELEASE}`, ''] },
    ...requirements(config),
    [TAG.conflictName]: { strings: [kind] },
    [TAG.conflictFlags]: { int32: [0] },
    [TAG.conflictVersion]: { strings: [''] },
    [TAG.rpmVersion]: { string: '4.16' },
    [TAG.fileOnDevices]: { int32: each(1) },
    [TAG.fileInodes]: { int32: files.map((_, at) => at + 1) },
    [TAG.fileLanguages]: { strings: each('') },
    ...names(config),
    [TAG.payloadFormat]: { string: 'cpio' },
    [TAG.payloadCompressor]: { string: 'gzip' },
    [TAG.payloadFlags]: { string: '9' },
    [TAG.fileDigestAlgorithm]: { int32: [SHA256] },
    [TAG.encoding]: { string: 'utf-8' },
    [TAG.payloadDigest]: { strings: [hash('sha256', payload)] },
    [TAG.payloadDigestAlgorithm]: { int32: [SHA256] },
  };
}

function requirements({ requires }: ConfigPackage): Record<number, Value> {
  const features = Object.entries(FEATURES).map(([name, version]) => {
    return { name: `rpmlib(${name})`, flags: OF_RPM | AT_MOST, version };
  });
  const all = [
    { name: '/bin/sh', flags: FOR_POST_INSTALL, version: '' },
    { name: requires, flags: 0, version: '' },
    ...features,
  ];
  return {
    [TAG.requireName]: { strings: all.map(({ name }) => name) },
    [TAG.requireFlags]: { int32: all.map(({ flags }) => flags) },
    [TAG.requireVersion]: { strings: all.map(({ version }) => version) },
  };
}

/** Paths are in two parts: a list of directories, and for each file its place there. */
function names({ files }: ConfigPackage): Record<number, Value> {
  const directories = [...new Set(files.map(({ path }) => `${dirname(path)}/`))];
  const indexes = files.map(({ path }) => directories.indexOf(`${dirname(path)}/`));
  return {
    [TAG.directoryIndexes]: { int32: indexes },
    [TAG.baseNames]: { strings: files.map(({ path }) => basename(path)) },
    [TAG.directoryNames]: { strings: directories },
  };
}

/** The old fixed start of the file, which today's rpm only recognizes. */
function lead({ name, version }: ConfigPackage): Buffer {
  const bytes = Buffer.alloc(96);
  Buffer.from('edabeedb03000000', 'hex').copy(bytes);
  bytes.writeUInt16BE(1, 8);
  bytes.write(`${name}-${version}-${RELEASE}`.slice(0, 65), 10);
  bytes.writeUInt16BE(1, 76);
  bytes.writeUInt16BE(5, 78);
  return bytes;
}

/** In the format "newc". */
function cpio({ files }: ConfigPackage): Buffer {
  const parts = files.flatMap(({ path, content }, at) => cpioEntry(`.${path}`, content, at + 1));
  return Buffer.concat([...parts, ...cpioEntry('TRAILER!!!', Buffer.alloc(0), 0)]);
}

function cpioEntry(path: string, content: Buffer, inode: number): Buffer[] {
  const isEnd = inode === 0;
  const [mode, time] = isEnd ? [0, 0] : [REGULAR, FILE_TIME];
  const fields = [
    inode,
    mode,
    0,
    0,
    1,
    time,
    content.length,
    0,
    isEnd ? 0 : 1,
    0,
    0,
    path.length + 1,
    0,
  ];
  const head = `070701${int32(...fields).toString('hex')}${path}\0`;
  return [padded(Buffer.from(head)), padded(content)];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function hash(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}
