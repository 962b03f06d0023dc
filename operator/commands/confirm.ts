import { CodedError } from '../../shared/coded-error.ts';
import type { Context } from '../context.ts';

/** Something unusual that a person must agree to. A job without a terminal agrees by an option. */
export interface Doubt {
  readonly text: string;
  /** `--older`. */
  readonly option: string;
  readonly isAgreed: boolean;
}

export interface Question {
  /** What will change, in lines. */
  readonly lines: readonly string[];
  readonly doubts: readonly Doubt[];
  /** `--yes`. Undefined: the command asks only about doubts. */
  readonly yes?: boolean | undefined;
  /** `promote 0.1.2 to stable`. */
  readonly what: string;
}

/**
 * Shows what will change, and asks for consent unless an option has given it. Throws NOT_CONFIRMED
 * after any answer but yes, and when there is no terminal.
 */
export async function confirm(context: Context, question: Question): Promise<void> {
  const { lines, doubts, yes, what } = question;
  // Without a terminal the error names the others.
  const isAsked = context.askLine !== undefined;
  for (const { text, isAgreed } of doubts) if (isAgreed || isAsked) context.notice(text);
  const open = doubts.filter(({ isAgreed }) => !isAgreed);
  const options = new Set(open.map(({ option }) => option));
  if (yes === false) options.add('--yes');
  if (options.size === 0) return;
  for (const line of lines) (context.show ?? context.notice)(line);
  if (context.askLine === undefined) {
    const why = open.map(({ text }) => text).join('; ');
    throw new CodedError(
      `${why === '' ? `nobody agreed to ${what}` : why}, and there is no terminal to ask on; nothing was changed`,
      { code: 'NOT_CONFIRMED', next: `the same command with ${[...options].join(' ')}` },
    );
  }
  const answer = await context.askLine(`${what}? [y/N] `);
  if (/^y(es)?$/i.test(answer)) return;
  throw new CodedError(`nothing was changed: the answer was ${JSON.stringify(answer)}, not "y"`, {
    code: 'NOT_CONFIRMED',
    next: 'run the command again when you are sure',
  });
}

export interface Confirmation {
  /**
   * Asks only about what it has not asked before. The command calls it again when another publisher
   * was faster. With `--noop` it only names the doubts.
   */
  readonly ask: (question: Question) => Promise<void>;
  /** 1 with `--noop` where the command itself would be refused, because there is no terminal. */
  exitCode(): 1 | undefined;
}

/** One command's questions. */
export function confirmOnce(
  context: Context,
  { noop = false }: { readonly noop?: boolean | undefined },
): Confirmation {
  let agreed: string | undefined;
  let isRefused = false;
  const ask = async (question: Question): Promise<void> => {
    const asked = JSON.stringify(question);
    if (agreed === asked) return;
    if (noop) {
      const { doubts } = question;
      for (const { text, option, isAgreed } of doubts)
        context.notice(isAgreed ? text : `${text}; without a terminal this needs ${option}`);
      isRefused = context.askLine === undefined && doubts.some(({ isAgreed }) => !isAgreed);
    } else await confirm(context, question);
    agreed = asked;
  };
  return { ask, exitCode: () => (isRefused ? 1 : undefined) };
}
