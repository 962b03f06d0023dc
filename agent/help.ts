import { DETAILED_EXIT_CODES, EXIT_CODES, exitCodesText } from './core/exit-code.ts';

/** What `--help` prints. The manual page has the same text. */
export const HELP = `mm-agent: applies Puppet code from an S3 bucket and reports back

mm-agent                     run as a daemon (what systemd and launchd start)
mm-agent --once              poll, apply, report, and end with an exit code
mm-agent --test, -t          the same as puppet agent --test: --once with diffs of files and detailed exit codes
mm-agent run                 make the daemon poll and run Puppet now, and wait for the end; also --noop
mm-agent diff                show what a run of the active release would change
mm-agent status              show what this host last did and why, from its own disk
mm-agent why                 explain why the last poll did something, or nothing, and what to try next
mm-agent doctor              check what this host needs, and name the next command for what is wrong
mm-agent history             list the last runs on this host
mm-agent log [run]           print the output of Puppet in the last run, or in this one
mm-agent facts [name...]     print the facts of the last run
mm-agent binary name         download and verify a package of the tree, and print its path
mm-agent pin name            follow another environment, or stay on an installed release, for a time (--for)
mm-agent unpin               follow the configured environment again
mm-agent disable "reason"    stop runs until the host is enabled again; it still reports
mm-agent enable              allow runs again
mm-agent reset-clock         delete the clock floor, the earliest time that this host accepts from a clock

With --once and --test; with run: --noop; with diff: --tags, --skip_tags, --detailed-exitcodes:
  --noop                     show what would change; --no-noop overrides run.noop of agent.yaml
  --ignore-window            apply also while apply_window of agent.yaml is closed
  --tags a,b --skip_tags c   apply only a part of the catalog
  --environment name         another environment than the one in agent.yaml, this once
  --detailed-exitcodes       ${exitCodesText(DETAILED_EXIT_CODES)}
  --debug                    debug output of Puppet and of mm-agent
  --until-converged          again, until a run has nothing to change; at most --tries 10, --deadline 1h
  --sentinel file            written when it has converged, by default /run/miyamoto/converged
Everywhere:
  --root directory           all files of the agent, and Puppet's own, below this directory
  --json                     the answer of a command as JSON, logs as JSON lines
  --for 2h, --until 2h       with disable and pin: how long
  --reason text              with disable and pin; with disable also as words after the command
  --bundle file              with doctor: write an archive for a bug report, without secrets
  --other-tree name          with doctor: a second tree of the bucket, to prove that this host cannot read it
  --version, --help

Examples:
  mm-agent --test --noop
  mm-agent --once --noop --environment canary
  mm-agent run --noop
  mm-agent diff --detailed-exitcodes; echo $?
  mm-agent why
  mm-agent doctor --bundle mm-agent.tar.gz
  mm-agent history; mm-agent log 20261129T100000Z
  mm-agent pin canary --for 4h --reason "a test"
  mm-agent disable "database migration" --for 2h

Exit codes of doctor: 0 nothing is wrong (or only warnings), 1 a check has failed.
Exit codes of --once:
${exitCodeLines()}
`;

function exitCodeLines(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, meaning }) => `  ${String(code).padEnd(3)} ${meaning}`)
    .join('\n');
}
