import { type CommandNode, flatten } from '../operator/cli/completion/command-tree.ts';
import { troff } from './man-page.ts';

/** The manual page of mm, with a section for each command, from the commands themselves. */
export function commandManPage(
  tree: CommandNode,
  { version, date }: { readonly version: string; readonly date: string },
): string {
  const name = tree.path;
  const commands = flatten(tree).filter(({ commands }) => commands.length === 0);
  return [
    `.TH ${name.toUpperCase()} 1 ${date} "Miyamoto ${version}"`,
    '.SH NAME',
    `${troff(name)} \\- publish signed Puppet environments to an S3 bucket`,
    '.SH SYNOPSIS',
    `.B ${troff(name)}`,
    '.I command',
    '.RI [ option \\&...]',
    '.SH DESCRIPTION',
    ...filled(tree.description),
    '.SH COMMANDS',
    ...commands.flatMap(commandSection),
    ...REST,
    '',
  ].join('\n');
}

function commandSection({ path, description, operands, options }: CommandNode): string[] {
  const usage = [path, ...operands.map(({ shown }) => shown)].join(' ');
  const listed = options.flatMap(({ names, description, value }) => {
    const flags = names.map((name) => `\\fB${troff(name)}\\fR`).join(', ');
    const shown = value === undefined ? '' : ` \\fI${troff(value.shown)}\\fR`;
    return ['.TP', `${flags}${shown}`, ...filled(description)];
  });
  return [`.SS ${troff(usage)}`, ...filled(description), ...listed];
}

/** Lines are short enough to read the source of the page. */
function filled(text: string): string[] {
  return (text.match(/\S.{0,74}(?=\s|$)/g) ?? []).map(troff);
}

/** Text that is not in the commands. */
const REST = [
  '.SH FILES',
  '.TP',
  'miyamoto.yaml',
  'The configuration: the nearest one in the current directory or above.',
  '.SH ENVIRONMENT',
  '.TP',
  '.BR AWS_ACCESS_KEY_ID ", " AWS_REGION ", " AWS_PROFILE " and others"',
  'Credentials and region, as the AWS SDK reads them.',
  '.TP',
  '.B MM_KEY_PASSPHRASE_FILE',
  'A file with the passphrase of the signing keys.',
  '.SH EXIT STATUS',
  '0: done. 1: failed. 2: wrong usage.',
  '.SH SEE ALSO',
  '.BR mm\\-agent (8)',
];
