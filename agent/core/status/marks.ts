/** The colour of a line on a terminal: red for a failure, yellow for what limits this host. */
export type Mark = 'red' | 'yellow';

/** Returns the mark of a line from its beginning; undefined for a line without a mark. */
export type MarkOf = (line: string) => Mark | undefined;

/** Of `mm-agent status`. Text of Puppet is indented, so it cannot look like a row. */
export const statusMark: MarkOf = (line) => {
  if (/^run +(failed|not-compiled|killed)\b|^bad |^trust +(?!ok\b)\S/.test(line)) return 'red';
  const binds =
    /^(disabled|pin|deferred|window|offered|retry|hook|fight|shared) |^daemon +not running|^clock .*(ahead|behind)/;
  return binds.test(line) ? 'yellow' : undefined;
};

/** Of `mm-agent doctor`. */
export const checkMark: MarkOf = (line) => {
  if (line.startsWith('failed ')) return 'red';
  return line.startsWith('warning ') ? 'yellow' : undefined;
};

const IN_HISTORY = /^\S+ +\S+Z +\S+( \S+)? +(failed|not-compiled|killed)\b/;

/** Of `mm-agent run` and `mm-agent history`. */
export const outcomeMark: MarkOf = (line) => {
  if (/^(failed|not-compiled|killed) /.test(line) || IN_HISTORY.test(line)) return 'red';
  return line.startsWith('skipped ') ? 'yellow' : undefined;
};
