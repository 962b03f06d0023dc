import assert from 'node:assert/strict';
import { test } from 'node:test';
import { file } from '../../../packaging/contents/files.ts';
import { AGENT } from '../../../packaging/linux/agent.ts';
import { rpmChangelog, specFile } from '../../../packaging/rpm/spec.ts';

const CHANGELOG = `miyamoto (0.2.0) unstable; urgency=medium

  * Second: 100% more,
    in two lines.
  * And one more.

 -- Ann <ann@example.com>  Tue, 1 Dec 2026 12:00:00 +0000

miyamoto (0.1.0) unstable; urgency=medium

  * First.

 -- Bob <bob@example.com>  Mon, 23 Nov 2026 12:00:00 +0000
`;

test("rpm spec: Debian's changelog becomes that of rpm", () => {
  assert.equal(
    rpmChangelog(CHANGELOG),
    `* Tue Dec 01 2026 Ann <ann@example.com> - 0.2.0-1
- Second: 100%% more,
  in two lines.
- And one more.

* Mon Nov 23 2026 Bob <bob@example.com> - 0.1.0-1
- First.
`,
  );
});

test('rpm spec: the package owns its files and the folders that no other package has', async () => {
  const paths = [
    'usr/libexec/miyamoto/node',
    'usr/bin/mm-agent',
    'usr/share/doc/miyamoto-agent/examples/agent.yaml',
    'usr/share/licenses/miyamoto-agent/LICENSE',
  ];
  const files = paths.map((path) => file(path, ''));
  const release = { version: '0.2.0', date: '2026-12-01', time: 0, changelog: CHANGELOG };
  const spec = await specFile(AGENT, files, release);
  assert.match(spec, /^Version: 0\.2\.0$/m);
  assert.doesNotMatch(spec, /@[A-Z_]+@/);
  const [, listed = ''] = /%files\n([\s\S]*?)\n\n/.exec(spec) ?? [];
  assert.deepEqual(listed.split('\n'), [
    '%defattr(-,root,root,-)',
    '%dir "/etc/miyamoto"',
    '%dir "/usr/libexec/miyamoto"',
    '%dir "/usr/share/doc/miyamoto-agent"',
    '%dir "/usr/share/doc/miyamoto-agent/examples"',
    '%dir "/usr/share/licenses/miyamoto-agent"',
    '"/usr/bin/mm-agent"',
    '"/usr/libexec/miyamoto/node"',
    '%doc "/usr/share/doc/miyamoto-agent/examples/agent.yaml"',
    '%license "/usr/share/licenses/miyamoto-agent/LICENSE"',
  ]);
});
