import { type CommandNode, flatten, type Value } from './command-tree.ts';

/** For bash 3.2, which macOS has, and newer; needs no package of completions. */
export function bashCompletion(tree: CommandNode): string {
  const [nodes, program] = [flatten(tree), tree.path];
  return `# bash completion for ${program}
_${program}() {
  local at=${program} word words= files= directories= environments= others= operands=
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in
    ${nodes
      .slice(1)
      .map(({ path }) => `'${path}'`)
      .join(' | ')}) at="$at $word" ;;
    esac
  done
  # Bash takes --option=value for three words.
  if [ "$current" = = ]; then
    current=
  elif [ "$previous" = = ]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $at in
${nodes.map(caseOf).join('\n')}
  esac
  COMPREPLY=()
  case " $files " in *" $previous "*) compopt -o default 2>/dev/null; return ;; esac
  case " $directories " in *" $previous "*) compopt -o dirnames 2>/dev/null; return ;; esac
  case " $environments " in *" $previous "*)
    COMPREPLY=($(compgen -W "$(mm completion bash --environments 2>/dev/null)" -- "$current"))
    return ;;
  esac
  case " $others " in *" $previous "*) return ;; esac
  case $current,$operands in
  -*) ;;
  *,environment) words=$(mm completion bash --environments 2>/dev/null) ;;
  *,file) compopt -o default 2>/dev/null; return ;;
  *) words=$operands ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _${program} ${program}
`;
}

function caseOf({ path, options, commands, operands }: CommandNode): string {
  const taking = (kind: Value['kind']) =>
    options.flatMap(({ names, value }) => (value?.kind === kind ? names : [])).join(' ');
  const variables = {
    words: options.flatMap(({ names }) => names).join(' '),
    files: taking('file'),
    directories: taking('directory'),
    environments: taking('environment'),
    others: taking('other'),
    operands: commands.length > 0 ? commands.map(lastWord).join(' ') : operandWords(operands),
  };
  const lines = Object.entries(variables)
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `    ${name}='${text}'`);
  return [`  '${path}')`, ...lines, '    ;;'].join('\n');
}

function operandWords(operands: readonly Value[]): string {
  if (operands.some(({ kind }) => kind === 'file')) return 'file';
  if (operands.some(({ kind }) => kind === 'environment')) return 'environment';
  return operands.flatMap(({ choices }) => choices).join(' ');
}

function lastWord({ path }: CommandNode): string {
  return path.slice(path.lastIndexOf(' ') + 1);
}
