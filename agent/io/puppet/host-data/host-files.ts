import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../../shared/coded-error.ts';
import { fileProblem } from '../../../../shared/file-problem.ts';
import { isFileError, readNamed } from '../../../../shared/files.ts';
import { requireOwn } from '../../../../shared/owned-path.ts';
import type { HostData } from './host-data.ts';

/** A file or directory that agent.yaml names, and the key that names it. */
interface Named {
  readonly key: string;
  readonly path: string;
  /** The file decides what root runs, so only root may be able to change it. */
  readonly isTrusted: boolean;
}

/**
 * Checks the files of the host before a run, so that no run starts without them. Throws
 * FILES_MISSING with everything that is missing, and FILE_UNSAFE for a file that another user could
 * change.
 */
export function requireHostFiles(data: HostData): void {
  const named = namedFiles(data);
  const missing = named.flatMap((file) => {
    const why = whyMissing(file.path);
    return why === undefined ? [] : [`${file.path} (${file.key}: ${why})`];
  });
  if (missing.length > 0) {
    throw new CodedError(`a run needs files that this host lacks: ${missing.join(', ')}`, {
      code: 'FILES_MISSING',
      next: 'create them, or remove the key from agent.yaml',
      details: { missing },
    });
  }
  for (const { key, path, isTrusted } of named) if (isTrusted) requireOwn(path, `${key}:`);
}

/**
 * Checks the files inside the environment that agent.yaml names. Puppet ignores some that are
 * missing, and would compile another catalog without a word. Throws FILES_MISSING.
 */
export function requireInEnvironment({ puppet }: HostData, directory: string): void {
  const missing = puppetFiles(puppet)
    .filter(([, path]) => !path.startsWith('/') && whyMissing(join(directory, path)) !== undefined)
    .map(([key, path]) => `${path} (${key})`);
  if (missing.length === 0) return;
  throw new CodedError(`a run needs files that the release lacks: ${missing.join(', ')}`, {
    code: 'FILES_MISSING',
    next: 'publish a release that has them, or correct the key in agent.yaml',
    details: { missing },
  });
}

function namedFiles({ requireFiles, overlay, facts, puppet, environmentFiles }: HostData): Named[] {
  const trusted = (key: string, path: string): Named[] =>
    path.startsWith('/') ? [{ key, path, isTrusted: true }] : [];
  return [
    ...requireFiles.map((path) => ({ key: 'require_files', path, isTrusted: false })),
    ...Object.values(overlay).flatMap((source) =>
      trusted('overlay', typeof source === 'string' ? source : source.template),
    ),
    ...Object.values(facts.files).flatMap((path) => trusted('facts.files', path)),
    ...environmentFiles.flatMap((path) => trusted('run.environment_files', path)),
    ...(puppet.modulepath ?? []).flatMap((path) => trusted('puppet.modulepath', path)),
    ...puppetFiles(puppet).flatMap(([key, path]) => trusted(key, path)),
  ];
}

/** Each key of `puppet` that names one file, and its path. */
function puppetFiles(puppet: HostData['puppet']): readonly (readonly [string, string])[] {
  const names = [
    'hiera_config',
    'trusted_external_command',
    'fileserver_config',
    'external_nodes',
  ] as const;
  return names.flatMap((name) => {
    const path = puppet[name];
    return path === undefined ? [] : [[`puppet.${name}`, path] as const];
  });
}

function whyMissing(path: string): string | undefined {
  try {
    statSync(path);
    return undefined;
  } catch (error) {
    if (isFileError(error, 'ENOENT') || isFileError(error, 'ENOTDIR')) return 'no such file';
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/**
 * Reads a regular file of the host. `key` names it in messages. Throws CONFIG_INVALID when it is
 * not a regular file, or larger than `maxBytes`.
 */
export function readHostFile(path: string, key: string, maxBytes: number): Buffer {
  try {
    return readNamed(path, maxBytes);
  } catch (cause) {
    throw new CodedError(`${key}: ${fileProblem(path, cause).why}`, {
      code: 'CONFIG_INVALID',
      cause,
      next: 'correct the path in agent.yaml',
    });
  }
}
