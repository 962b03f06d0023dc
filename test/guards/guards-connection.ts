import type { Guard } from './guards.ts';

/** How a program reaches its bucket, and what it says of it. */
export const CONNECTION_GUARDS: readonly Guard[] = [
  {
    invariant: 'ca_file',
    file: 'bucket/s3/connection/trust-store.ts',
    line: 'if (trusted?.file !== undefined) return trustOnly(trusted.file);',
    instead: '',
    test: 'test/bucket/s3/connection/tls.test.ts',
    name: 's3.ca_file wins over AWS_CA_BUNDLE',
  },
  {
    invariant: 'secrets',
    file: 'bucket/s3/connection/proxy.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of code, as it is in the file
    line: "const found = scheme === undefined ? 'something else' : `${scheme}://`;",
    instead: 'const found = value;',
    test: 'test/bucket/s3/connection/proxy.test.ts',
    name: 'is CONFIG_INVALID, without its password',
  },
  {
    invariant: 'row 9',
    file: 'bucket/s3/signing-clock.ts',
    line: 'return now >= 0 && now < YEAR_10000_MS ? offsetMs : 0;',
    instead: 'return offsetMs;',
    test: 'test/bucket/s3/odd-answers.test.ts',
    name: 'a Date by which nothing can be signed',
  },
  {
    invariant: 'secrets',
    file: 'agent/commands/doctor/secrets.ts',
    line: 'return [...wordsIn(text), ...scalarsIn(text)];',
    instead: 'return wordsIn(text);',
    test: 'test/e2e/doctor.test.ts',
    name: '--bundle has what a bug report needs',
  },
  {
    invariant: 'row 18',
    file: 'bucket/s3/host/host-bucket.ts',
    line: "for (const path of presentSharedFiles(env)) requireOwn(path, 'the AWS configuration');",
    instead: '',
    test: 'test/e2e/owned-files.test.ts',
    name: 'AWS files that others can write',
  },
  {
    invariant: 'row 18',
    file: 'agent/main.ts',
    line: 'process.umask(process.umask(UMASK) | UMASK);',
    instead: '',
    test: 'test/e2e/owned-files.test.ts',
    name: 'without a umask',
  },
  {
    invariant: 'profile',
    file: 'bucket/s3/credentials/credential-chain.ts',
    line: 'if (found === undefined && profile !== undefined) throw profileMissing(profile, files);',
    instead: '',
    test: 'test/bucket/s3/credentials/credential-chain.test.ts',
    name: 'a profile that does not exist is named',
  },
  {
    invariant: 'otherWriter',
    file: 'agent/core/status/other-writer.ts',
    line: "typeof attempts === 'number' && attempts > 1",
    instead: 'false && attempts',
    test: 'test/agent/steps/send-status.test.ts',
    name: 'an own write whose answer was lost',
  },
];
