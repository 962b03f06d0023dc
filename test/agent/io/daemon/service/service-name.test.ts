import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  logPlace,
  ownService,
  serviceCommand,
} from '../../../../../agent/io/daemon/service/service-name.ts';

const MAC = 'com.github.miyamoto.agent';

test('service name: what launchd and systemd set distinguishes them', () => {
  assert.deepEqual(ownService({ XPC_SERVICE_NAME: MAC }), { manager: 'launchd', name: MAC });
  // What a terminal of a Mac has.
  assert.equal(ownService({ XPC_SERVICE_NAME: '0' }), undefined);
  assert.equal(ownService({ NOTIFY_SOCKET: '/run/notify' })?.manager, 'systemd');
  assert.equal(ownService({}), undefined);
});

test('service name: a person on a Mac gets commands and paths of a Mac', () => {
  assert.equal(serviceCommand('start', 'linux'), 'systemctl start mm-agent');
  assert.equal(serviceCommand('restart', 'linux'), 'systemctl restart mm-agent');
  assert.equal(serviceCommand('start', 'darwin'), `launchctl kickstart system/${MAC}`);
  assert.equal(serviceCommand('restart', 'darwin'), `launchctl kickstart -k system/${MAC}`);
  assert.equal(logPlace('x.service', 'linux'), 'journalctl -u x.service');
  assert.equal(logPlace(MAC, 'darwin'), '/var/log/miyamoto/mm-agent.log');
});
