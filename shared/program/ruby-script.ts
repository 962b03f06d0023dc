import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readStart } from '../files.ts';

/** A program and its first arguments. */
export interface Program {
  readonly path: string;
  readonly arguments: readonly string[];
}

/**
 * Returns how to start a Ruby script with options for Ruby, or undefined when it is not a Ruby
 * script. It does what the kernel does with `#!`, with the options in between. Unlike RUBYOPT, they
 * are not inherited by the commands that Puppet runs.
 *
 * The packages of Puppet and OpenVox install a shell script in `/opt/puppetlabs/bin`. It clears the
 * environment and starts the real program beside it. Runs have their own environment anyway, so the
 * real program is started directly.
 */
export function rubyScript(script: string, options: readonly string[]): Program | undefined {
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

/**
 * The interpreter behind `#!`, and the rest of the line as one argument, as the kernel reads it.
 */
function firstLine(path: string): readonly string[] {
  const start = readStart(path, MAX_FIRST_LINE).toString();
  const line = /^#![ \t]*(.*?)[ \t\r]*\n/.exec(start)?.[1] ?? '';
  return line.split(/[ \t]+(.*)/, 2).filter((word) => word !== '');
}
