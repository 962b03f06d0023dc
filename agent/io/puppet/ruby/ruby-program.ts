import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readStart } from '../../../../shared/files.ts';

/** A program and the words before those that it is given. */
export interface Program {
  readonly path: string;
  readonly arguments: readonly string[];
}

/**
 * How to start a Ruby script with options for Ruby, which no child of it inherits, as they would RUBYOPT: what the
 * kernel makes of its first line, with the options in between. Undefined when it is no Ruby script.
 *
 * Puppet's and OpenVox's own packages have a shell script in `/opt/puppetlabs/bin` that clears the environment, which
 * is ours anyway, and starts the real one beside it, which is taken in its place.
 */
export function rubyProgram(script: string, options: readonly string[]): Program | undefined {
  const real = realpathSync(script);
  const inner = join(dirname(real), basename(script));
  const start = basename(real) === 'wrapper.sh' && inner !== real ? inner : script;
  const [interpreter = '', argument] = firstLine(start);
  if (isRuby(interpreter) && argument === undefined) {
    return { path: interpreter, arguments: [...options, start] };
  }
  if (interpreter === '/usr/bin/env' && argument !== undefined && isRuby(argument)) {
    return { path: interpreter, arguments: [argument, ...options, start] };
  }
  return undefined;
}

function isRuby(program: string): boolean {
  return /^ruby[\d.]*$/.test(basename(program));
}

const MAX_FIRST_LINE = 256;

/** The words of `#!`, as the kernel takes them: at most two. */
function firstLine(path: string): readonly string[] {
  const start = readStart(path, MAX_FIRST_LINE).toString();
  const line = /^#![ \t]*(.*?)[ \t\r]*\n/.exec(start)?.[1] ?? '';
  return line.split(/[ \t]+(.*)/, 2).filter((word) => word !== '');
}
