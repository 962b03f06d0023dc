/** A package that only brings files for `/etc`, for any architecture. */
export interface ConfigPackage {
  /** Lower case letters, digits and dashes. */
  readonly name: string;
  /** Digits and dots. */
  readonly version: string;
  readonly summary: string;
  /** Lines of at most 79 characters. */
  readonly description: string;
  readonly requires: string;
  /** A name that all packages of this kind provide, and of which a host has only one. */
  readonly kind: string;
  /** Owned by root, mode 0644. What an administrator changed on the host is kept. */
  readonly files: readonly ConfigFile[];
  /** Text for sh that runs after an installation and an upgrade. */
  readonly afterwards: string;
}

export interface ConfigFile {
  /** `/etc/miyamoto/agent.yaml`. */
  readonly path: string;
  readonly content: Buffer;
}

export const MAINTAINER = 'Miyamoto maintainers <maintainers@users.noreply.github.com>';

/** The time of all files, seconds since 1970: the same files give the same package. */
export const FILE_TIME = Date.UTC(2026, 0, 1) / 1000;
