import type { Command } from 'commander';

/**
 * Examples for commands whose help has no text of its own. They work as they are, or after the
 * names are replaced.
 */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  mm: ['mm publish stable', 'mm status --failed'],
  'mm bucket': ['mm bucket init --noop'],
  'mm environment': ['mm environment add staging --like stable'],
  'mm package': ['mm package site'],
  'mm fleet export': ['mm fleet export puppetdb > commands.ndjson'],
  'mm key': ['mm key list', 'mm key new ann --passphrase'],
  'mm root': ['mm root sign keys.proposal.json', 'mm root commit keys.proposal.json'],
  'mm init': ['mm init --bucket puppet.example.com --tree ubuntu --region eu-central-1'],
  'mm environment add': [
    'mm environment add staging --like stable',
    "mm environment add 'feature_*'",
  ],
  'mm environment prune': ['mm environment prune --noop'],
  'mm policy machine': ['mm policy machine --ec2 > machine.json'],
  'mm policy publisher': ['mm policy publisher > publisher.json'],
  'mm policy reader': ['mm policy reader > reader.json'],
  'mm policy reporter': ['mm policy reporter > snapshot-job.json'],
  'mm policy cleaner': [
    'mm policy cleaner > cleaner.json',
    'mm policy cleaner --beside publisher > clean-job.json',
    'mm policy cleaner --beside reader > forget-job.json',
  ],
  'mm package site': ['mm package site --tree ubuntu --output build'],
  'mm bootstrap': [
    'mm bootstrap --user-data --agent miyamoto-agent_0.1.0_amd64.deb > user-data',
    'mm bootstrap --cloud-init > cloud-config.yaml',
  ],
  'mm completion': ['mm completion bash > ~/.local/share/bash-completion/completions/mm'],
  'mm publish': [
    'mm publish testing',
    'mm publish stable --preview --sample 5 --reason "new web servers"',
    'mm publish --working-tree',
  ],
  'mm diff': ['mm diff stable main', 'mm diff stable=1.4.2 stable --catalog web1.example.com'],
  'mm binaries init': ['mm binaries init --like stable'],
  'mm binaries put': ['mm binaries put nginx-1.28.pkg --reason "nginx for Macs"'],
  'mm binaries list': ['mm binaries list'],
  'mm binaries remove': ['mm binaries remove nginx-1.28.pkg'],
  'mm promote': ['mm promote testing stable --reason "tested for a week"'],
  'mm rollout': [
    'mm rollout stable --percent 5',
    'mm rollout stable --from testing --schedule "5% 1h, 25% 4h, 100%" --halt-at 2%',
  ],
  'mm rollout start': [
    'mm rollout start stable --group canary',
    'mm rollout start stable --percent 25',
  ],
  'mm rollout step': ['mm rollout step stable'],
  'mm rollout status': ['mm rollout status stable'],
  'mm rollout halt': ['mm rollout halt stable --reason "web servers fail"'],
  'mm rollback': [
    'mm rollback stable',
    'mm rollback stable 1.4.2 --reason "1.4.3 fails"',
    'mm rollback stable 5084c37b1e',
  ],
  'mm hold': ['mm hold stable --reason "weekend"'],
  'mm stop': ['mm stop stable --reason "incident 42"'],
  'mm resume': ['mm resume stable'],
  'mm releases': ['mm releases', 'mm releases stable --limit 20'],
  'mm log': ['mm log stable', 'mm log --json'],
  'mm clean': ['mm clean --noop'],
  'mm fleet sync': ['mm fleet sync'],
  'mm fleet status': [
    'mm fleet status --stale 2h',
    "mm fleet status --watch --on-change 'curl --json @- https://hooks.example.com/fleet'",
  ],
  'mm fleet hosts': ['mm fleet hosts --failed'],
  'mm fleet problems': ['mm fleet problems', 'mm fleet problems clock trust --fail-over 0'],
  'mm fleet export puppetdb': ['mm fleet export puppetdb > commands.ndjson'],
  'mm fleet athena': ['mm fleet athena > fleet.sql', 'mm fleet athena --database puppet --json'],
  'mm fleet prune': [
    'mm fleet prune --older-than 90d --noop',
    'mm fleet prune --older-than 2d --instances instances.json --yes',
  ],
  'mm fleet host': ['mm fleet host web1.example.com'],
  'mm fleet why': ["mm fleet why web1.example.com 'Service[nginx]'"],
  'mm fleet query': [
    "mm fleet query 'SELECT agent_version, count(*) AS n FROM hosts GROUP BY 1 ORDER BY 2 DESC'",
    "mm fleet query 'SELECT * FROM hosts' --parquet hosts.parquet",
  ],
  'mm fleet report': ['mm fleet report --open', 'mm fleet report --output fleet.html'],
  'mm fleet snapshot': ['mm fleet snapshot'],
  'mm config': ['mm config'],
  'mm doctor': ['mm doctor'],
  'mm renew': ['mm renew', 'mm renew root targets --out renewal.proposal.json'],
  'mm key new': [
    'mm key new ann --passphrase',
    'mm key new ci --signer kms --key alias/miyamoto',
    'mm key new token --signer command -- /usr/local/bin/sign-with-token',
  ],
  'mm key list': ['mm key list'],
  'mm key export': ['mm key export ann --out ann.pub.json'],
  'mm key rotate': [
    'mm key rotate --role root --role targets --add bob.pub.json --threshold 2 --out keys.proposal.json',
  ],
  'mm key revoke': ['mm key revoke ann --replace-by bob.pub.json --keep'],
  'mm root sign': ['mm root sign keys.proposal.json'],
  'mm root commit': ['mm root commit keys.proposal.json'],
};

/** Adds the examples to the help of each command. Every command must have been added before. */
export function addExamples(command: Command, path = command.name()): void {
  const lines = EXAMPLES[path] ?? [];
  if (lines.length > 0) {
    const heading = lines.length === 1 ? 'Example:' : 'Examples:';
    command.addHelpText('after', ['', heading, ...lines.map((line) => `  ${line}`)].join('\n'));
  }
  for (const each of command.commands) addExamples(each, `${path} ${each.name()}`);
}
