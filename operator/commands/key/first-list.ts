import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { type DoubtfulRelease, isOfBinaries, releaseLines } from './doubtful-releases.ts';

/** What happens to the releases that the holder of a removed key may have chosen. */
export interface ReleaseChoice {
  /** Sign the same releases again. */
  readonly keep?: boolean | undefined;
  /** `RELEASE` or `ENVIRONMENT=RELEASE`: the release that the environment gets instead. */
  readonly backTo?: readonly string[] | undefined;
  /** Environments, and patterns such as `dev_*`, whose releases are not signed again. */
  readonly drop?: readonly string[] | undefined;
  /** Sign an empty list of binaries. */
  readonly dropBinaries?: boolean | undefined;
}

/**
 * The options of one command apply to the releases that its first attempt found. When a thief
 * publishes during the command, a second attempt finds another release, and the option must not
 * agree to that one.
 */
export class FirstList {
  #known: ReadonlySet<string> | undefined;

  /**
   * Each attempt calls this. Throws NOT_CONFIRMED for a release that is not of the first attempt
   * and about which nobody is asked.
   */
  requireKnown(
    doubtful: readonly DoubtfulRelease[],
    given: {
      readonly isAsked: (release: DoubtfulRelease) => boolean;
      readonly choice: ReleaseChoice;
      readonly command: string;
    },
  ): void {
    const { isAsked, choice, command } = given;
    this.#known ??= new Set(doubtful.map(({ identity }) => identity));
    const known = this.#known;
    const added = doubtful.filter((each) => !known.has(each.identity) && !isAsked(each));
    const [first] = added;
    if (first === undefined) return;
    const lines = releaseLines(added);
    const { environment } = first;
    const look = isOfBinaries(environment)
      ? 'binaries list'
      : `releases ${printable(environment, 300)}`;
    throw new CodedError(
      `while this command ran, somebody published what its options were not given for; nothing was changed: ${lines.join('; ')}`,
      {
        code: 'NOT_CONFIRMED',
        next: `look at it with mm ${look}; then, to decide about it too: ${repeated(command, choice)}`,
        details: { releases: lines },
      },
    );
  }
}

function repeated(command: string, choice: ReleaseChoice): string {
  const { keep, backTo = [], drop = [], dropBinaries } = choice;
  const words = [
    ...(keep === true ? ['--keep'] : []),
    ...backTo.flatMap((each) => ['--back-to', each]),
    ...drop.flatMap((each) => ['--drop', shellWord(each)]),
    ...(dropBinaries === true ? ['--drop-binaries'] : []),
  ];
  return [command, ...words].join(' ');
}
