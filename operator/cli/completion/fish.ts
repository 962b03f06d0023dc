import { type CommandNode, flatten, type OptionNode, type Value } from './command-tree.ts';

export function fishCompletion(tree: CommandNode): string {
  const [nodes, program] = [flatten(tree), tree.path];
  return `# fish completion for ${program}
function __${program}_at
    set -l at ${program}
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${nodes
              .slice(1)
              .map(({ path }) => `'${path}'`)
              .join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv"
end
complete -c ${program} -f
${nodes.flatMap((node) => linesOf(program, node)).join('\n')}
`;
}

function linesOf(program: string, { path, options, commands, operands }: CommandNode): string[] {
  const at = `complete -c ${program} -n '__${program}_at ${path}'`;
  const below = commands.map(({ path: longer, description }) => {
    const name = longer.slice(longer.lastIndexOf(' ') + 1);
    return `${at} -a ${name} -d ${quoted(description)}`;
  });
  const words = operands.map((operand) => `${at}${values(operand)}`);
  return [...below, ...options.map((option) => `${at}${optionWords(option)}`), ...words];
}

function optionWords({ names, description, value }: OptionNode): string {
  const flags = names.map((name) =>
    name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`,
  );
  const needs = value === undefined ? '' : ` -r${values(value)}`;
  return `${flags.join('')}${needs} -d ${quoted(description)}`;
}

function values({ kind, choices }: Value): string {
  if (choices.length > 0) return ` -f -a ${quoted(choices.join(' '))}`;
  return {
    file: ' -F',
    directory: " -f -a '(__fish_complete_directories)'",
    environment: " -f -a '(mm completion fish --environments 2>/dev/null)'",
    other: ' -f',
  }[kind];
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
