import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { machineDigest, uuidOf } from '../../../../agent/io/host/machine.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

test('machine: each id counts, and the digest shows none of them', async (t) => {
  const root = await temporaryDirectory(t);
  assert.equal(machineDigest(root), null);
  await mkdir(join(root, 'etc'));
  await mkdir(join(root, 'sys/class/dmi/id'), { recursive: true });
  const digests = new Set<string | null>();
  for (const [file, id] of [
    ['etc/machine-id', '0123456789abcdef0123456789abcdef'],
    ['sys/class/dmi/id/product_uuid', '4c4c4544-0042-3510-8051-b4c04f564432'],
    ['sys/class/dmi/id/board_asset_tag', 'i-0123456789abcdef0'],
    ['sys/class/dmi/id/board_asset_tag', 'i-0fedcba9876543210'],
  ] as const) {
    await writeFile(join(root, file), `${id}\n`);
    const digest = machineDigest(root);
    assert.match(digest ?? '', /^[0-9a-f]{32}(\.([0-9a-f]{32})?){2}$/);
    assert.equal(machineDigest(root), digest);
    digests.add(digest);
  }
  assert.equal(digests.size, 4);
  const before = machineDigest(root);
  const uuid = 'sys/class/dmi/id/product_uuid';
  await writeFile(join(root, uuid), '4C4C4544-0042-3510-8051-B4C04F564432\n');
  assert.equal(machineDigest(root), before, 'an older kernel writes it in capitals');
  for (const [file, text] of [
    ['etc/machine-id', ''],
    ['etc/machine-id', 'uninitialized'],
    [uuid, '00000000-0000-0000-0000-000000000000'],
    [uuid, 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
    [uuid, 'Not Settable'],
    ['sys/class/dmi/id/board_asset_tag', 'Default string'],
  ] as const) {
    await writeFile(join(root, file), `${text}\n`);
    const place = { etc: 0, sys: file === uuid ? 1 : 2 }[file.slice(0, 3)] ?? 0;
    assert.equal(machineDigest(root)?.split('.')[place] ?? '', '', `${file}: ${text} is no id`);
  }
  assert.equal(machineDigest(root), null);
});

/** As a Mac prints it; no Mac runs these tests. */
const IOREG = `+-o J314sAP  <class IOPlatformExpertDevice, id 0x100000254, registered, matched, active>
    {
      "IOPlatformSerialNumber" = "C02XXXXXXXXX"
      "IOPlatformUUID" = "0F3B1C2D-4E5F-5A6B-8C7D-9E0F1A2B3C4D"
      "model" = <"MacBookPro18,3">
    }
`;

test('machine: the UUID of a Mac', () => {
  assert.equal(uuidOf(IOREG), '0F3B1C2D-4E5F-5A6B-8C7D-9E0F1A2B3C4D');
  assert.equal(uuidOf('"IOPlatformUUID" = "x"'), undefined);
});
