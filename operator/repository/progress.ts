/** How far a long work has come. Disposed when the work has ended, also by an error. */
export interface Progress extends Disposable {
  at(done: number, total: number): void;
}

export interface ProgressWork {
  /** What is done, for example `uploading the release`. */
  readonly what: string;
  readonly unit: 'byte' | 'file' | 'catalog' | 'host';
}

/** Begins to show a work. */
export type ShowProgress = (work: ProgressWork) => Progress;
