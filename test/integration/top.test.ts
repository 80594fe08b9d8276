// `btr top` in a real terminal: in front of three real daemons of which one lies, and in front of a hypervisor that says what it is told to,
// for what real ones do not do on demand: hostile texts, going away and coming back. Whatever ends it, the terminal is as it was.
import { rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../hypervisor/logging.js';
import { ControlServer, type Method } from '../../hypervisor/control/server.js';
import { Neighbor } from '../support/router-neighbors.js';
import { neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../support/router-lab.js';
import { prefixAt, tableOf } from '../support/router-routes.js';
import { terminalProblem, TestTerminal, type TerminalOptions } from '../support/terminal.js';
import { ballot, neighbor, pattern, replica, status } from '../unit/cli/top/pictures.js';

const problem = routerProblem() ?? terminalProblem();
if (problem) console.warn(`skipped: ${problem}`);

const MAIN = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
const USUAL = { columns: 80, rows: 24 };
const LIES = [prefixAt(7), prefixAt(8), prefixAt(9)];

describe.skipIf(problem !== undefined)('btr top', () => {
  let lab: RouterLab;
  const terminals: TestTerminal[] = [];

  const top = (socket: string, options: Partial<TerminalOptions> = {}): TestTerminal => {
    const argv = [process.execPath, MAIN, 'top', '--socket', socket, '--interval', '200ms'];
    const terminal = new TestTerminal(argv, { ...USUAL, ...options });
    terminals.push(terminal);
    return terminal;
  };

  beforeAll(() => {
    lab = RouterLab.create('top', 2);
  });
  afterEach(async () => {
    await Promise.all(terminals.splice(0).map((terminal) => terminal.close()));
  });
  afterAll(() => lab?.destroy());

  describe('three daemons, one of which lies', () => {
    let router: RunningRouter;
    const [a, customer] = [new Neighbor(1), new Neighbor(2)];

    beforeAll(async () => {
      router = await lab.run({
        neighbors: [1, 2].map((n) => neighborConfig(n)),
        voting: { 'fault-threshold': '10m' },
      });
      await router.untilVoting(3);
      await Promise.all([a.connect(), customer.connect()]);
      await a.announce(tableOf(a.as, 1, 0, 50));
      await customer.untilRight([a]);
      await router.untilUnanimous(3);
      await router.request('inject', { replica: 'bird', kind: 'wrong-nexthop', prefixes: LIES, nextHop: '10.0.2.77' });
      await router.until('bird is found out', ({ replicas }) => replicas[1].dissents === LIES.length);
    });
    afterAll(async () => {
      await Promise.all([a.stop(), customer.stop()]);
      await router?.stop();
    });

    test('the screen tells who lies, about what and how; keys look closer; it follows the size; q leaves no trace', async () => {
      const terminal = top(router.socket);
      await terminal.until('rates are there', (text) => /updates [\d<].*\/s/.test(text));
      expect(terminal.alternate).toBe(true);
      expect(terminal.text).toMatch(/3 of 3 vote, tolerates 1 faulty/);
      expect(terminal.text).toMatch(/agreement 94\.000 %, contested 3, without majority 0, of 50 ballots/);
      expect(terminal.text).toMatch(/10\.0\.1\.2 +65001 +Established +\S+ +50 +0/);
      expect(terminal.text).toMatch(/bird +voting .* 3 +1 /);
      expect(terminal.text).toMatch(/faults put in on purpose \(btr inject\): wrong-nexthop into bird/);
      for (const lie of LIES) expect(terminal.text).toContain(`  ${lie} `);
      expect(terminal.text).toMatch(/bird +different +open +3 .* NEXT_HOP 10\.0\.2\.77/);

      terminal.type('\t\t\r');
      await terminal.until('the story of the first one', (text) => text.includes('bird says NEXT_HOP 10.0.2.77'));
      terminal.type('\x1b');
      await terminal.until('the overview', (text) => text.includes('NEIGHBOUR'));

      terminal.resize(40, 15);
      await terminal.until('one pane', (text) => /peers 2 replicas 3 contested 3 faults 1/.test(text));
      expect(terminal.screen.at(-1)).toMatch(/^q quit/);
      terminal.resize(120, 40);
      await terminal.until('everything', (text) => /NEXT_HOP 10\.0\.2\.77 instead of 10\.0\.2\.1/.test(text));

      terminal.type('q');
      expect(await terminal.exited).toBe(0);
      expect(terminal.settingsRestored).toBe(true);
      expect(terminal.alternate).toBe(false);
    });

    test('without a terminal: once, as text, with everything in it', async () => {
      const { code, text } = await lab.btrOutput(['top', '--socket', router.socket, '--interval', '200ms']);
      expect(code).toBe(0);
      for (const lie of LIES) expect(text).toContain(lie);
      expect(text).not.toMatch(/\x1b/);
    });
  });

  describe('a hypervisor that says what it is told to', () => {
    let methods: Record<string, Method>;
    let server: ControlServer;
    let socket: string;

    beforeEach(async () => {
      methods = {
        status: () => status(),
        votes: () => ({ ballots: [], total: 0 }),
        faults: () => ({ patterns: [] }),
        'inject-list': () => [],
      };
      socket = path.join(lab.lab.directory, 'fake.sock');
      await listen();
    });
    afterEach(async () => {
      await server.close();
      rmSync(socket, { force: true });
    });

    async function listen(): Promise<void> {
      // What `methods` says changes while it runs.
      const forwarded = Object.keys(methods).map((name) => [name, (params: object) => methods[name](params as never)]);
      server = new ControlServer(Object.fromEntries(forwarded) as never, createLogger({ level: 'error', json: false }));
      await server.listen(socket);
    }

    test('ended by keys and signals, each in a terminal of its own', async () => {
      const ways = [
        ['q', 0],
        ['\x03', 0],
        ['SIGTERM', 143],
        ['SIGHUP', 129],
        ['SIGINT', 130],
      ] as const;
      const ended = ways.map(async ([way]) => {
        const terminal = top(socket);
        await terminal.until('the overview', (text) => text.includes('NEIGHBOUR'));
        if (way.startsWith('SIG')) process.kill(terminal.pid, way as NodeJS.Signals);
        else terminal.type(way);
        const code = await terminal.exited;
        const { alternate, settingsRestored, raw } = terminal;
        return { way, code, alternate, settingsRestored, last: raw.slice(-8) };
      });
      expect(await Promise.all(ended)).toEqual(
        ways.map(([way, code]) => ({ way, code, alternate: false, settingsRestored: true, last: '\x1b[?1049l' })),
      );
    });

    test('ended while an answer is on its way', async () => {
      const terminal = top(socket);
      await terminal.until('the overview', (text) => text.includes('NEIGHBOUR'));
      let asked = false;
      methods.status = async () => {
        asked = true;
        await delay(300);
        return status();
      };
      await terminal.until('it asks', () => asked);
      terminal.type('q');
      expect(await terminal.exited).toBe(0);
    });

    test('ended by a bug: the terminal first, then what happened', async () => {
      // As soon as it runs.
      const bug =
        'const t = setInterval(() => { if (process.listenerCount("uncaughtException") > 0) { clearInterval(t); ' +
        'setTimeout(() => { throw new Error("out of the blue") }, 300) } }, 20)';
      const terminal = top(socket, {
        env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(bug)}` },
      });
      expect(await terminal.exited).toBe(70);
      expect([terminal.alternate, terminal.settingsRestored]).toEqual([false, true]);
      expect(terminal.raw.split('\x1b[?1049l')[1]).toContain('out of the blue');
    });

    test('the hypervisor goes, and comes back as another process', async () => {
      const terminal = top(socket);
      await terminal.until('the overview', (text) => text.includes('NEIGHBOUR'));
      await server.close();
      await terminal.until('it is told', (text) => text.includes('not connected, trying again'));
      expect(terminal.text).toContain('10.0.1.2');
      methods.status = () => status({ pid: 1, uptime: 1, routerId: '10.9.9.9' });
      await listen();
      await terminal.until('it is back', (text) => text.includes('10.9.9.9') && !text.includes('not connected'));
      terminal.type('q');
      expect(await terminal.exited).toBe(0);
    });

    test('a hypervisor that is not there yet: why, and then the picture', async () => {
      await server.close();
      const terminal = top(socket);
      await terminal.until('it is told', (text) => text.replace(/\s+/g, ' ').includes('is "btr run" running?'));
      await listen();
      await terminal.until('the overview', (text) => text.includes('NEIGHBOUR'));
      terminal.type('q');
      expect(await terminal.exited).toBe(0);
    });

    test('hostile texts are seen, and do nothing', async () => {
      const nasty = '\x1b[2J\x1b[1;1HOWNED\x07\x1b]0;title\x07\r\n\u202eevil\x9b31m';
      methods.status = () =>
        status({
          neighbors: [neighbor(1, { lastError: nasty, state: 'Idle' })],
          replicas: [replica(`r${nasty}`, { lastError: nasty, version: nasty })],
          alarms: [{ kind: 'quorum', text: nasty, since: '2026-11-21T16:00:00Z' }],
          ballots: { total: 10, unanimous: 9, contested: 1, withoutMajority: 0 },
        });
      methods.votes = () => ({ ballots: [ballot(`192.0.2.0/24${nasty}`)], total: 1 });
      methods.faults = () => ({ patterns: [pattern({ replica: nasty, text: nasty, changes: [] })] });
      const terminal = top(socket);
      await terminal.until('the overview', (text) => text.includes('NEIGHBOUR'));
      expect(terminal.screen[0]).toMatch(/^btr 0\.1\.0/);
      expect(terminal.text).toContain('\\x1b[2J\\x1b[1;1HOWNED');
      expect(terminal.raw).not.toContain('\x1b]');
      expect(terminal.raw).not.toMatch(/[\x07\x9b\u202e]/);
      terminal.type('q');
      expect(await terminal.exited).toBe(0);
    });

    test('nothing is drawn when nothing has changed', async () => {
      const terminal = top(socket);
      await terminal.until('rates are there', (text) => text.includes('NEIGHBOUR'));
      const asked = { times: 0 };
      const before = methods.status;
      methods.status = (params) => {
        asked.times++;
        return before(params);
      };
      const frames = (): number => terminal.raw.split('\x1b[?2026h').length;
      const [at, bytes] = [frames(), terminal.raw.length];
      await terminal.until('it has asked again', () => asked.times >= 5);
      // The clock in the first line changes once a second; nothing else does.
      expect(frames() - at).toBeLessThan(asked.times);
      expect(terminal.raw.length - bytes).toBeLessThan(200 * (frames() - at + 1));
      terminal.type('q');
      await terminal.exited;
    });
  });
});
