import type { Answer, CommonOptions } from '../context.ts';

/** Where the command line prints. */
export interface Output {
  answer(answer: Answer, options: CommonOptions): void;
  out(text: string): void;
  err(text: string): void;
}
