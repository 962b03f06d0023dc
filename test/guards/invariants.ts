/**
 * What must hold against a thief of the bucket, of a host or of a key. Each has at least one
 * guard, and a row in docs/trust.md.
 */
export const INVARIANTS: Readonly<Record<string, string>> = {
  I1: 'no byte reaches Puppet without length and sha256 from a role that is valid under the installed root',
  I2: 'an idle poll is one request, with expired metadata too',
  I3: 'the ETag is stored only after release and metadata are durable',
  I4: 'versions of root, timestamp, snapshot and each role never decrease on disk',
  I5: 'every prefix of any sequence of uploads serves the old or the new, never an error',
  I6: 'concurrent publishers lose nothing',
  I7: "CI's key never changes a decision for stable",
  I8: 'files of another tree change nothing on disk',
  I9: 'expired, corrupt or lost metadata never changes the applied release and never lifts a stop',
  I10: 'any truncated local file heals, and the root floor stays',
  I11: 'with a clock 60 days off nothing expired is accepted, and nothing breaks for good',
  I12: 'new online keys undo a fast-forward',
  I13: 'no 403 but AccessDenied hides a root',
  I14: 'a publisher refuses a bucket that was rolled back',
  I15: 'two root rotations between polls, idle polls, then an offline restart',
  I16: 'double keys, empty hashes, floats and overlapping paths are never signed',
  I17: 'where two must sign, one signature is refused',
  I18: 'environments may be called 2024, targets, root or __proto__',
  I19: 'a key is revoked and its roles are signed again in one commit',
  I20: 'nothing is written through a link of a release, and one that leaves it exists only when that was signed',
  I21: 'the key of a class of environments signs for no environment outside of it, and for none that has its own role',
  I22: 'the file of one role counts for no other role, also where both have the same keys',
};
