/** A manual page whose body is the program's own `--help`, so that the two cannot say different things. */
export function manPage({
  name,
  section,
  version,
  help,
}: {
  readonly name: string;
  readonly section: number;
  readonly version: string;
  /** Its first line is `<name>: <what it is>`. */
  readonly help: string;
}): string {
  const [title = '', ...body] = help.trim().split('\n');
  return [
    `.TH ${name.toUpperCase()} ${section} "" "Miyamoto ${version}"`,
    '.SH NAME',
    `${escaped(name)} \\- ${escaped(title.replace(`${name}: `, ''))}`,
    '.SH DESCRIPTION',
    '.nf',
    ...body.map(escaped),
    '.fi',
    '',
  ].join('\n');
}

/** For troff: no line begins a request, a dash stays the one that can be typed. */
function escaped(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');
}
