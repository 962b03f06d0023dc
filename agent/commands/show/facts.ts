import { FactsDocument } from '../../../bucket/documents/status.ts';
import { asciiJson } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { ownText } from '../../../shared/foreign-file.ts';
import { parseExactJson } from '../../core/facts/exact-json.ts';
import { factAt } from '../../core/facts/facts.ts';
import { requireReadable } from '../../io/host/permission.ts';
import { printAnswer } from '../../io/print-answer.ts';
import type { Options } from '../../options.ts';
import { localPaths } from '../../paths.ts';

/**
 * `mm-agent facts [name...]`: the facts of the last run, by dotted path. One name prints its value.
 */
export function facts(options: Options): number {
  const path = localPaths(options.root).facts;
  requireReadable(path, options.argv);
  const { facts: all } = readFacts(path);
  const names = options.operands;
  if (names.length === 0) return answer(all);
  const values = names.map((name) => [name, factAt(all, name)] as const);
  const missing = values.filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length > 0) {
    throw new CodedError(`no such fact: ${missing.join(', ')}`, {
      code: 'USAGE',
      next: 'mm-agent facts',
    });
  }
  const [first] = values;
  if (values.length === 1 && first !== undefined && !options.json) {
    const [, value] = first;
    return typeof value === 'string' ? print(value) : answer(value);
  }
  return answer(Object.fromEntries(values));
}

function readFacts(path: string): FactsDocument {
  try {
    return FactsDocument.parse(parseExactJson(ownText(path) ?? ''));
  } catch (cause) {
    throw new CodedError(`no facts yet: wanted ${path}, which the first run writes`, {
      code: 'STATUS_INVALID',
      cause,
      next: 'mm-agent --once',
    });
  }
}

function answer(value: unknown): number {
  return print(asciiJson(value, 2));
}

function print(text: string): number {
  printAnswer(text);
  return 0;
}
