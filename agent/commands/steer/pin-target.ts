import { ENVIRONMENT_NAME, SHA256 } from '../../../bucket/documents/name-rules.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { delegatedEnvironments } from '../../../trust/metadata/environments.ts';
import { answeringRole } from '../../../trust/metadata/offer.ts';
import type { Trusted } from '../../../trust/metadata/trusted.ts';
import { readTrusted } from '../../../trust/reader.ts';
import { unknownEnvironment } from '../../core/offer/offer.ts';
import type { Pin } from '../../core/when/pin.ts';
import { systemClock as clock } from '../../io/clock.ts';
import { releasePaths } from '../../paths.ts';
import { namesIn } from '../../steps/activate.ts';
import { readReleaseFile } from '../../steps/read-host.ts';
import { isUnpacked } from '../../steps/unpack/unpack.ts';
import type { Host } from '../open-host.ts';

/** Shorter beginnings of a digest or commit are not accepted. */
const SHORTEST_DIGEST = 7;

/**
 * What a person means by a word: an environment that the verified metadata delegates, or a release
 * that is installed, by its label or the beginning of its digest or commit. Asks no bucket.
 * Throws ENVIRONMENT_UNKNOWN with what there is, and USAGE for the environment that it follows
 * anyway.
 */
export async function findTarget(
  { paths, config, identity, packagedRoot }: Host,
  word: string,
): Promise<Pick<Pin, 'environment' | 'release'>> {
  // The host keeps only the role of the environment that it follows, so the delegations count.
  const options = { directory: paths.trust, packagedRoot, clock, environments: [] };
  const trusted = await readTrusted(options);
  if (trusted !== undefined && isEnvironment(trusted, word)) {
    if (word !== config.environment) return { environment: word, release: null };
    throw new CodedError(`this host follows ${word} by its configuration`, {
      code: 'USAGE',
      next: 'mm-agent unpin; or name a release to stay on',
    });
  }
  const installed = namesIn(paths.releases).flatMap((name) => installedRelease(paths, name));
  const found = installed.filter((release) => isMeant(release, word));
  const [first] = found;
  if (first !== undefined && found.length === 1) {
    const { sha256, version } = first;
    return { environment: null, release: { sha256, version } };
  }
  const releases = [...new Set(installed.map(({ version }) => version))].join(', ');
  throw new CodedError(
    [
      unknownEnvironment(printable(word, 64), { tree: identity.tree, others: namesOf(trusted) }),
      found.length > 1
        ? `and ${found.length} installed releases fit: name one by its digest`
        : `and no such release is installed; installed are ${releases || 'no releases'}`,
    ].join(', '),
    {
      code: 'ENVIRONMENT_UNKNOWN',
      next: 'mm-agent --once installs what is offered; then pin again',
    },
  );
}

function isEnvironment({ metadata: { targets, snapshot } }: Trusted, word: string): boolean {
  return ENVIRONMENT_NAME.test(word) && answeringRole(targets, snapshot, word) !== undefined;
}

interface InstalledRelease {
  readonly sha256: string;
  readonly version: string;
  readonly commit: string | null;
}

function installedRelease(paths: Host['paths'], name: string): InstalledRelease[] {
  if (!SHA256.test(name) || !isUnpacked(releasePaths(paths, name).directory)) return [];
  const file = readReleaseFile(paths, name);
  return file === undefined ? [] : [{ sha256: name, version: file.version, commit: file.commit }];
}

function isMeant({ sha256, version, commit }: InstalledRelease, word: string): boolean {
  if (version === word) return true;
  return word.length >= SHORTEST_DIGEST && [sha256, commit].some((text) => text?.startsWith(word));
}

function namesOf(trusted: Trusted | undefined): readonly string[] {
  return trusted === undefined ? [] : delegatedEnvironments(trusted.metadata.targets);
}
