// Running commands for the setup scripts, with their output on the terminal.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';

export const root = path.resolve(import.meta.dirname, '../..');

export function say(text) {
  process.stdout.write(`setup: ${text}\n`);
}

/** Runs a command in the checkout; throws with the whole command line when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (result.error) throw new Error(`${command} cannot be run: ${result.error.message}`);
  if (result.status !== 0) {
    throw new Error(`this failed (status ${result.status ?? result.signal}): ${[command, ...args].join(' ')}`);
  }
  return result;
}

/** Absolute path of a program in PATH or the directories for administrators, undefined when it is missing. */
export function which(program) {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  const script = 'for d; do [ -x "$d/$0" ] && [ -f "$d/$0" ] && { echo "$d/$0"; exit; }; done';
  const result = spawnSync('/bin/sh', ['-c', script, program, ...directories], { encoding: 'utf8' });
  return result.stdout?.trim() || undefined;
}
