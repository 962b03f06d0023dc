import type { Answer, CommonOptions } from '../context.ts';

/** What the command line prints on. */
export interface Output {
  answer(answer: Answer, options: CommonOptions): void;
  out(text: string): void;
  err(text: string): void;
}
