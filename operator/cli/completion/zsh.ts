import { type CommandNode, flatten, type OptionNode, type Value } from './command-tree.ts';

/** The completion script for zsh. */
export function zshCompletion(tree: CommandNode): string {
  const [nodes, program] = [flatten(tree), tree.path];
  return `#compdef ${program}
# zsh completion for ${program}
_mm_environments() {
  compadd "$@" -- \${(f)"$(mm completion zsh --environments 2>/dev/null)"}
}
_${program}() {
  local at=${program} word
  local -a commands
  for word in \${words[2,CURRENT-1]}; do
    case "$at $word" in
    (${nodes
      .slice(1)
      .map(({ path }) => `'${path}'`)
      .join(' | ')}) at="$at $word" ;;
    esac
  done
  case $at in
${nodes.map(caseOf).join('\n')}
  esac
}
if [ "$funcstack[1]" = _${program} ]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

function caseOf({ path, options, commands, operands }: CommandNode): string {
  const specs = options.flatMap(optionSpecs);
  if (commands.length === 0) specs.push(operandSpec(operands));
  const lines = [`  ('${path}')`];
  if (commands.length > 0) {
    const described = commands.map(({ path: below, description }) => {
      const name = below.slice(below.lastIndexOf(' ') + 1);
      return quoted(`${name}:${description.replaceAll(':', '\\:')}`);
    });
    lines.push(`    commands=(${described.join(' ')})`);
    lines.push(`    [[ $PREFIX = -* ]] || { _describe command commands; return }`);
  }
  lines.push(`    _arguments ${specs.join(' \\\n      ')}`, '    ;;');
  return lines.join('\n');
}

function optionSpecs({ names, description, value }: OptionNode): string[] {
  const text = description.replaceAll(/[\\[\]]/g, '\\$&');
  return names.map((name) => {
    const argument = value === undefined ? '' : `:${label(value)}:${action(value)}`;
    // Every option may be repeated here. mm itself refuses repetitions that are not allowed.
    return quoted(`*${name}[${text}]${argument}`);
  });
}

/** The words before it, such as \`publish\`, count as operands as well. */
function operandSpec(operands: readonly Value[]): string {
  const [first] = operands;
  return first === undefined ? "'*: : '" : quoted(`*:${label(first)}:${action(first)}`);
}

function label({ shown }: Value): string {
  return shown.replaceAll(/[<>[\]:\\]/g, '');
}

function action({ kind, choices }: Value): string {
  if (choices.length > 0) return `(${choices.join(' ')})`;
  return {
    file: '_files',
    directory: '_files -/',
    environment: '_mm_environments',
    other: ' ',
  }[kind];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
