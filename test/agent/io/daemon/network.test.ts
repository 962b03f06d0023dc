import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { hasNetwork } from '../../../../agent/io/daemon/network.ts';

const address = (text: string, internal = false) =>
  ({ address: text, internal }) as NetworkInterfaceInfo;
const loopback = address('127.0.0.1', true);

const machines: Record<string, { addresses: NetworkInterfaceInfo[]; s3?: object; want: boolean }> =
  {
    'with an address': { addresses: [loopback, address('192.0.2.7')], want: true },
    'with an IPv6 address alone': { addresses: [address('2001:db8::7')], want: true },
    'with nothing but loopback': { addresses: [loopback], want: false },
    'whose Wi-Fi has no address yet': {
      addresses: [loopback, address('fe80::1'), address('169.254.7.7')],
      want: false,
    },
    'whose bucket is on the machine itself': {
      addresses: [loopback],
      s3: { endpoint: 'http://127.0.0.1:9000' },
      want: true,
    },
    'whose proxy is on the machine itself': {
      addresses: [loopback],
      s3: { endpoint: 'https://s3.example.com', proxy: '127.0.0.1:3128' },
      want: true,
    },
    'whose bucket is elsewhere': {
      addresses: [loopback],
      s3: { endpoint: 'https://s3.example.com' },
      want: false,
    },
  };
for (const [name, { addresses, s3 = {}, want }] of Object.entries(machines)) {
  test(`network: a machine ${name}`, () => {
    assert.equal(hasNetwork(s3, { en0: addresses }), want);
  });
}
