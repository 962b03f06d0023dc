import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { type Done, initialized, type OperatorLab } from '../../operator-lab.ts';
import { edit, previewLab } from '../diff/preview-lab.ts';

const PUBLISH = ['publish', 'stable', '--no-validate', '--preview', '--json'];

async function published(lab: OperatorLab): Promise<void> {
  await lab.mm(['publish', 'stable', '--no-validate']);
  await lab.commit('manifests/more.pp', '# more\n');
}

const answers = {
  'yes publishes': { answer: 'y', args: [], want: 'published' },
  'no publishes nothing': { answer: 'n', args: [], want: 'NOT_CONFIRMED' },
  'an empty answer publishes nothing': { answer: '', args: [], want: 'NOT_CONFIRMED' },
  'without a terminal it is refused': { answer: undefined, args: [], want: 'NOT_CONFIRMED' },
  'without a terminal --yes publishes': { answer: undefined, args: ['--yes'], want: 'published' },
  '--noop shows it and asks nobody': { answer: undefined, args: ['--noop'], want: 'noop' },
};

for (const [name, { answer, args, want }] of Object.entries(answers)) {
  test(`publish --preview: ${name}`, async (t) => {
    const lab = await initialized(t);
    await published(lab);
    const files = lab.files();
    const questions: string[] = [];
    const askLine = async (question: string) => {
      questions.push(question);
      return answer ?? '';
    };
    const done = await lab.mm([...PUBLISH, ...args], answer === undefined ? {} : { askLine });
    assert.match(done.stderr, /^ {2}\+ manifests\/more\.pp {2}\+1 -0$/m);
    assert.equal(outcomeOf(done), want);
    assert.equal(questions.length, answer === undefined ? 0 : 1);
    assert.equal(lab.files().length > files.length, want === 'published');
  });
}

function outcomeOf({ json, exitCode }: Done): string {
  if (exitCode !== 0) return String(ErrorAnswer.parse(json).error.code);
  const { outcome, preview } = PublishAnswer.parse(json);
  assert.deepEqual(
    preview?.files.map(({ path }) => path),
    ['manifests/more.pp'],
  );
  return outcome;
}

test('publish --preview: a host that would lose its catalog is refused with --yes', async (t) => {
  const lab = await previewLab(t);
  const fail = `if $facts['os']['family'] == 'RedHat' { fail('not here') }\n`;
  await edit(lab, 'manifests/site.pp', ['node default {', `${fail}node default {`]);
  const hosts = ['--sample', '9'];
  const refused = await lab.mm([...PUBLISH, '--yes', ...hosts]);
  assert.equal(ErrorAnswer.parse(refused.json).error.code, 'RELEASE_INVALID');
  assert.match(refused.stderr, /1 host, no catalog any more: red\.example\.com/);
  const agreed = await lab.mm([...PUBLISH, ...hosts], { askLine: () => Promise.resolve('y') });
  assert.equal(PublishAnswer.parse(agreed.json).outcome, 'published');
});

test('publish --preview: another publisher is first: it compares again, and asks again', async (t) => {
  const lab = await initialized(t);
  await published(lab);
  // A publisher on another machine has a state of its own.
  await cp(join(lab.repository, '.miyamoto'), join(lab.repository, 'other'), { recursive: true });
  const config = await readFile(join(lab.repository, 'miyamoto.yaml'), 'utf8');
  await lab.write('other.yaml', `${config}state: other\n`);
  let questions = 0;
  const askLine = async () => {
    questions += 1;
    if (questions === 1) {
      const own = ['--config', 'other.yaml', '--ref', 'testing', '--older'];
      const other = await lab.mm(['publish', 'stable', '--no-validate', ...own]);
      assert.equal(other.exitCode, 0, other.stderr);
    }
    return 'y';
  };
  const { json, stderr } = await lab.mm(PUBLISH, { askLine });
  const { release, preview, attempts } = PublishAnswer.parse(json);
  assert.deepEqual([release.version, attempts, questions], ['0.1.2', 2, 2], stderr);
  assert.equal(preview?.before.version, '0.1.1');
});

test('publish: --sample, --catalog, --group and --yes without --preview are USAGE', async (t) => {
  const lab = await initialized(t);
  for (const more of [['--sample', '1'], ['--catalog', 'a'], ['--group', 'g'], ['--yes']]) {
    const { json, exitCode } = await lab.mm(['publish', 'stable', ...more, '--json']);
    assert.deepEqual([ErrorAnswer.parse(json).error.code, exitCode], ['USAGE', 2]);
  }
});
