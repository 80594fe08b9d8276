// Completion in a real bash, with the script that `btr completion bash` prints: as its function answers, and as somebody sees it who presses Tab;
// and in fish, where that is installed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ControlServer } from '../../hypervisor/control/server.js';
import { createLogger } from '../../hypervisor/logging.js';
import { terminalProblem, TestTerminal } from '../support/terminal.js';
import { neighbor, replica, status } from '../unit/cli/top/pictures.js';

const BTR = path.resolve(import.meta.dirname, '../../btr');
const problem = existsSync('/bin/bash') ? undefined : 'needs bash';
if (problem) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)('in a shell', () => {
  let directory: string;
  let env: Record<string, string>;
  let server: ControlServer;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'btr-completion-'));
    symlinkSync(BTR, path.join(directory, 'btr'));
    writeFileSync(path.join(directory, 'router.yaml'), '');
    const socket = path.join(directory, 'control.sock');
    env = { PATH: `${directory}:${process.env.PATH}`, BTR_SOCKET: socket, HOME: directory };
    const status6 = status({
      replicas: [replica('frr'), replica('openbgpd'), replica('evil$(touch owned)')],
      neighbors: [neighbor(1), neighbor(2, { address: '2001:db8::2' })],
    });
    server = new ControlServer({ status: () => status6 }, createLogger({ level: 'error', json: false }));
    await server.listen(socket);
    const script = execFileSync(BTR, ['completion', 'bash'], { encoding: 'utf8' });
    writeFileSync(path.join(directory, 'completion.bash'), script);
  });
  afterAll(async () => {
    await server?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** What readline is given for a line with the cursor at its end. Asynchronous, since the names come from this process. */
  async function replies(line: string): Promise<string[]> {
    const program = 'source completion.bash; COMP_LINE=$1 COMP_POINT=${#1}; _btr; printf "%s\\n" "${COMPREPLY[@]}"';
    const { stdout } = await execa('bash', ['-c', program, 'bash', line], { cwd: directory, env, extendEnv: false });
    return stdout.split('\n').filter((one) => one !== '');
  }

  test('verbs, options, choices, files', async () => {
    const lines = ['vo', 'top --o', 'inject --kind wrong-', 'inject --kind=wrong-n', 'run rou', 'nosuch --h'];
    expect(await Promise.all(lines.map((line) => replies(`btr ${line}`)))).toEqual([
      ['votes'],
      ['--once'],
      ['wrong-nexthop', 'wrong-attribute'],
      ['wrong-nexthop'],
      ['router.yaml'],
      ['--help'],
    ]);
  });

  test('names of the running hypervisor, addresses behind their last colon, and none that a shell would act on', async () => {
    const lines = ['replica restart ', 'votes -n 2001:db8:', 'votes -n 10.'];
    expect(await Promise.all(lines.map((line) => replies(`btr ${line}`)))).toEqual([
      ['frr', 'openbgpd'],
      [':2'],
      ['10.0.1.2'],
    ]);
    expect(existsSync(path.join(directory, 'owned'))).toBe(false);
  });

  test.skipIf(!existsSync('/usr/bin/fish'))('fish offers the same, with what it is', async () => {
    const line = (text: string): string => `btr completion fish | source; complete -C ${JSON.stringify(text)}`;
    const { stdout } = await execa('fish', ['--no-config', '-c', line('btr votes --neighbor 2001:db8:')], {
      cwd: directory,
      env,
      extendEnv: false,
    });
    expect(stdout).toBe('2001:db8::2\tAS 65002, Established');
  });

  describe.skipIf(terminalProblem() !== undefined)('somebody presses Tab', () => {
    let terminal: TestTerminal | undefined;
    afterEach(() => terminal?.close());

    test('the word is completed', async () => {
      const start = path.join(directory, 'bashrc');
      writeFileSync(start, `cd ${directory}; PS1='$ '; source completion.bash\n`);
      terminal = new TestTerminal(['bash', '--rcfile', start, '-i'], { columns: 80, rows: 24, env });
      await terminal.until('a prompt', (text) => text.includes('$ '));
      terminal.type('btr rep\t');
      await terminal.until('common part', (text) => /\$ btr repl/.test(text));
      terminal.type('i\t');
      await terminal.until('replica', (text) => /\$ btr replica /.test(text));
      terminal.type('res\topen\t');
      await terminal.until('all of it', (text) => /\$ btr replica restart openbgpd /.test(text));
    });
  });
});
