import { shellWord } from '../../../shared/shell-word.ts';

/** How the AWS CLI reaches a store: what it does not read from miyamoto.yaml or agent.yaml. */
export interface StoreAddress {
  /** Undefined: AWS. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  /** File with the authorities that are trusted. */
  readonly ca_file?: string | undefined;
}

/**
 * A command line of the AWS CLI that reaches the store, to print as the next command. `words` are
 * what follows `aws`, for example `s3 ls s3://bucket/`.
 */
export function awsCommand(
  words: string,
  { endpoint, region, profile, ca_file }: StoreAddress,
): string {
  const options = {
    'endpoint-url': endpoint,
    region,
    profile,
    'ca-bundle': ca_file,
  };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shellWord(value)}`],
  );
  return ['aws', words, ...given].join(' ');
}
