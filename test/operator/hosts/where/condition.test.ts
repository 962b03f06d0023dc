import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMet, parseCondition, valuesAt } from '../../../../operator/hosts/where/condition.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';

const failed = { resource: 'File[/etc/motd]', message: 'no', file: null, line: null };
const status = {
  ...sampleStatus,
  groups: ['canary', 'web'],
  run: { ...sampleRun, failedResources: [failed, { ...failed, resource: 'Exec[x]' }] },
  versions: { ...sampleStatus.versions, agent: '0.10.0' },
  facts: { 'os.release.full': '9.10', processors: { models: ['Xeon', 'Epyc'] }, virtual: true },
};

const MET: Readonly<Record<string, boolean>> = {
  'environment=stable': true,
  'environment=testing': false,
  'environment = stable': true,
  'environment!=testing': true,
  'disabled=null': true,
  'disabled.reason=x': false,
  'disabled.reason!=x': true,
  'groups=web': true,
  'groups!=web': false,
  'groups=db': false,
  'run.failedResources.resource=Exec[x]': true,
  'run.failedResources.1.resource=Exec[x]': true,
  'run.failedResources.0.resource=Exec[x]': false,
  'run.durationSeconds>4': true,
  'run.durationSeconds>4.2': false,
  'run.durationSeconds<10': true,
  'run.durationSeconds<': false,
  'run.durationSeconds>x': false,
  'run.durationSeconds<x': false,
  'versions.agent>0.9.0': true,
  'versions.agent<0.9.0': false,
  'writtenAt>2026-11-23T10:00:00': true,
  'trust.daysToExpiry.env-stable>100': true,
  'release.version~^1\\.4': true,
  'release.version~^2': false,
  'facts.os.release.full=9.10': true,
  'facts.os.release.full>9.9': true,
  'facts.processors.models=Epyc': true,
  'facts.processors.models.0=Epyc': false,
  'facts.virtual=true': true,
  'nothing=': false,
  'nothing!=x': true,
  'nothing~.': false,
};

for (const [text, want] of Object.entries(MET)) {
  test(`condition: ${text} is ${want ? 'met' : 'not met'}`, () => {
    const condition = parseCondition(text);
    assert.equal(isMet(condition, valuesAt(status, condition.field)), want);
  });
}

for (const text of ['', 'environment', '=stable', 'a b=c', 'version~(']) {
  test(`condition: ${JSON.stringify(text)} is USAGE`, () => {
    assert.throws(() => parseCondition(text), { code: 'USAGE' });
  });
}

test('condition: the name of a field is looked for in own keys only', () => {
  assert.deepEqual(valuesAt(status, 'constructor.name'), []);
  assert.deepEqual(valuesAt(status, '__proto__'), []);
});
