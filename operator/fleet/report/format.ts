/*
 * What a report embeds: a head as JSON, and the cells of all hosts, a column after the other. The
 * page reads the columns as typed arrays where they are, so that 100,000 hosts are ready at once.
 *
 *   4 bytes     the length of the head
 *   head        JSON in UTF-8
 *   columns     each begins at a multiple of 4, in the order of the head
 *
 * All numbers are little-endian. Types only: the page and mm are compiled apart.
 */

export interface ReportHead {
  readonly bucket: string;
  readonly tree: string;
  /** When the copy was brought up to date, in ms since 1970. Ages are at this time. */
  readonly syncedAt: number;
  readonly hosts: number;
  readonly columns: readonly ColumnHead[];
  /** Hosts by state, the oldest point first. */
  readonly history: readonly { readonly at: string; readonly hosts: Record<string, number> }[];
  /** By a value of the column `failing`: the most frequent message of that resource. */
  readonly messages: readonly string[];
}

export interface ColumnHead {
  readonly name: string;
  /** For people. */
  readonly label: string;
  /**
   * `text`: a line for each host, in UTF-8. `one`: an index of `values` for each host. `many`: the
   * number of values of each host in one byte, then the indices of all. `number`: 0 for a missing
   * one, otherwise one more than the number.
   */
  readonly kind: 'text' | 'one' | 'many' | 'number';
  /** Bytes of each cell, and of each index. */
  readonly width: 1 | 2 | 4;
  /** Bytes in the file, without those that fill up to a multiple of 4. */
  readonly bytes: number;
  /** The texts that the indices are of. */
  readonly values?: readonly string[];
  /** A promoted fact. */
  readonly isFact?: boolean;
}
