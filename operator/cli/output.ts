import type { Answer, CommonOptions, ListAnswer } from '../context.ts';

/** Where the command line prints. */
export interface Output {
  answer(answer: Answer, options: CommonOptions): void;
  /** Prints while it reads. Throws what the entries throw. */
  list<T extends object>(answer: ListAnswer<T>, options: CommonOptions): Promise<void>;
  out(text: string): void;
  err(text: string): void;
}

/** For callers that only read the commands and options of the program: it prints nothing. */
export const NO_OUTPUT: Output = {
  answer: () => undefined,
  list: async () => undefined,
  out: () => undefined,
  err: () => undefined,
};
