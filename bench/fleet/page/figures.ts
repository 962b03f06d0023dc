/** What measure-page.ts prints, as JSON. Times are in ms. */
export interface PageFigures {
  readonly ready: readonly number[];
  readonly searches: readonly number[];
  readonly sorts: readonly number[];
}
