/** The suites of Debian that MM_TEST_SUITES names. */
export function suites(byDefault = 'bookworm'): readonly string[] {
  return (process.env['MM_TEST_SUITES'] ?? byDefault).split(/[ ,]+/);
}

/** Puppet and its facts in a suite: in forky OpenVox has taken their place. */
export function puppetPackages(suite: string): readonly string[] {
  return suite === 'forky' ? ['openvox-agent', 'openfact'] : ['puppet-agent', 'facter'];
}
