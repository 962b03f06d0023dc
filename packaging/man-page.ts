/** A manual page whose body is the program's own `--help`, so that the two cannot differ. */
export function manPage({
  name,
  section,
  version,
  date = '""',
  help,
}: {
  readonly name: string;
  readonly section: number;
  readonly version: string;
  readonly date?: string;
  /** Its first line is `<name>: <what it is>`. */
  readonly help: string;
}): string {
  const [title = '', ...body] = help.trim().split('\n');
  return [
    `.TH ${name.toUpperCase()} ${section} ${date} "Miyamoto ${version}"`,
    '.SH NAME',
    `${troff(name)} \\- ${troff(title.replace(`${name}: `, ''))}`,
    '.SH DESCRIPTION',
    '.nf',
    ...body.map(troff),
    '.fi',
    '',
  ].join('\n');
}

/** Text for troff: no line is a request, and a dash stays a dash that can be typed. */
export function troff(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');
}
