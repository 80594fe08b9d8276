// What `btr doctor` says of machines that lack something. Ports, files and libraries are real ones; what one machine cannot be made to lack
// (capabilities, Node's version, the clock) is given to the judges.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CAPABILITIES, effectiveSet, judge } from '../../../../cli/doctor/capabilities.js';
import { daemons, versionFinding } from '../../../../cli/doctor/daemons.js';
import { directories } from '../../../../cli/doctor/directories.js';
import type { Finding } from '../../../../cli/doctor/finding.js';
import { examine } from '../../../../cli/doctor/index.js';
import { kernel } from '../../../../cli/doctor/kernel.js';
import { listenersOn, ownerOf, parseListeners } from '../../../../cli/doctor/listeners.js';
import { clock, openFiles } from '../../../../cli/doctor/machine.js';
import { ports } from '../../../../cli/doctor/ports.js';
import { nodeVersion, program } from '../../../../cli/doctor/program.js';
import { exitCodeOf, renderFindings } from '../../../../cli/doctor/render.js';
import { wantsOf, type Wants } from '../../../../cli/doctor/wants.js';
import { SHIM_LIBRARIES } from '../../../../preload/libraries.js';

let directory: string;
const open: net.Server[] = [];

beforeAll(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'btr-doctor-test-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => open.splice(0).forEach((server) => server.close()));

async function listen(host: string): Promise<number> {
  const server = net.createServer();
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as net.AddressInfo).port;
}

const wants = (more: Partial<Wants>): Wants => ({ ...wantsOf(undefined), ...more });
const bad = (findings: readonly Finding[]): Finding[] => findings.filter(({ level }) => level !== 'ok');

describe('privileges', () => {
  const ALL = (1n << 41n) - 1n;
  const without = (name: string): bigint => ALL & ~(1n << BigInt(CAPABILITIES.find((one) => one.name === name)!.bit));

  test('out of what the kernel says of a process', () => {
    expect(effectiveSet('Name:\tnode\nCapPrm:\t00\nCapEff:\t0000000000001400\n')).toBe(0x1400n);
  });

  test('with all of them nothing is to be done', () => {
    expect(judge(wants({}), ALL, true, 1024)).toMatchObject([{ level: 'ok', name: 'capabilities' }]);
  });

  test.each(['CAP_NET_ADMIN', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID', 'CAP_CHOWN', 'CAP_KILL'])(
    '%s is missing',
    (name) => {
      const findings = judge(wants({}), without(name), true, 1024);
      expect(findings).toMatchObject([{ level: 'problem', name }]);
      expect(findings[0].advice).toContain('CapabilityBoundingSet');
    },
  );

  test('what a configuration does not use is not asked for', () => {
    expect(judge(wants({ kernel: false, port: 1790 }), 0n, false, 1024)).toMatchObject([{ level: 'ok' }]);
    expect(judge(wants({ kernel: false, port: 179 }), 0n, false, 0)).toMatchObject([{ level: 'ok' }]);
    expect(judge(wants({ kernel: true, port: 179 }), 0n, false, 1024).map(({ name }) => name)).toEqual([
      'CAP_NET_ADMIN',
      'CAP_NET_BIND_SERVICE',
    ]);
  });
});

describe('the program', () => {
  test('Node: old, new enough, newer', () => {
    const levels = ['18.20.4', '20.18.9', '20.19.0', '22.0.0'].map((version) => nodeVersion(version, [20, 19]).level);
    expect(levels).toEqual(['problem', 'problem', 'ok', 'ok']);
  });

  test('libraries that are not built, and one that is none', async () => {
    const nothing = bad(await program(directory));
    expect(nothing).toHaveLength(SHIM_LIBRARIES.length);
    expect(nothing[0].text).toContain('is not built');
    for (const library of SHIM_LIBRARIES) writeFileSync(path.join(directory, `btr-${library}.so`), 'not a library');
    const broken = bad(await program(directory));
    expect(broken.map(({ level }) => level)).toEqual(SHIM_LIBRARIES.map(() => 'problem'));
    expect(broken[0].text).toMatch(/cannot be loaded.*(invalid|file too short)/s);
  });
});

describe('daemons', () => {
  const replica = { name: 'one', kind: 'bird' as const, binary: undefined, user: undefined };
  const configured = (more: object): Wants => wants({ config: {} as never, replicas: [{ ...replica, ...more }] });

  function script(name: string, text: string, mode = 0o755): string {
    const file = path.join(directory, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, mode);
    return file;
  }

  test('missing: a problem when it is configured, else worth knowing', async () => {
    const [missing] = await daemons(configured({ binary: '/nonexistent/bird' }));
    expect(missing).toMatchObject({ level: 'problem', name: 'one' });
    expect(missing.text).toContain('/nonexistent/bird is not there');
    expect(missing.advice).toContain('apt-get install --no-install-recommends bird2');
    const free = wants({ replicas: [{ ...replica, binary: '/nonexistent/bird' }] });
    expect(await daemons(free)).toMatchObject([{ level: 'note' }]);
  });

  test('another program', async () => {
    const [other] = await daemons(configured({ binary: script('other', 'echo hello') }));
    expect(other).toMatchObject({ level: 'problem' });
    expect(other.text).toContain('is not a bird daemon (it answered: hello)');
  });

  test('a version that is not known to work', async () => {
    const [unknown] = await daemons(configured({ binary: script('new', 'echo BIRD version 3.2.0') }));
    expect(unknown).toMatchObject({ level: 'warning' });
    expect(unknown.text).toContain('bird 3.2.0');
    expect(['8.4.4', '8.45.1', '10.4'].map((version) => versionFinding('x', 'frr', version, '/f').level)).toEqual([
      'ok',
      'warning',
      'warning',
    ]);
  });

  test('a user that is not there', async () => {
    const findings = await daemons(
      configured({ binary: script('good', 'echo BIRD version 2.0.12'), user: 'nosuchuser' }),
    );
    expect(findings[0].level).toBe('ok');
    expect(findings[1]).toMatchObject({ level: 'problem', name: 'one' });
    expect(findings[1].text).toMatch(/there is no user nosuchuser|only root can/);
  });

  test('setuid: nothing can be preloaded', async () => {
    const findings = await daemons(configured({ binary: script('suid', 'echo BIRD version 2.0.12', 0o4755) }));
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'problem', text: expect.stringContaining('setuid') }),
    );
  });

  test('two of them outvote nobody', async () => {
    const binary = script('good2', 'echo BIRD version 2.0.12');
    const two = wants({ config: {} as never, replicas: ['a', 'b'].map((name) => ({ ...replica, name, binary })) });
    expect(await daemons(two)).toContainEqual(expect.objectContaining({ level: 'warning', name: 'replicas' }));
  });
});

describe('ports', () => {
  test('taken, with who has it; free when it is gone', async () => {
    const port = await listen('127.0.0.1');
    const taken = bad(await ports(wants({ addresses: ['127.0.0.1'], port }), undefined));
    expect(taken).toMatchObject([{ level: 'problem', name: `bgp port ${port} on 127.0.0.1` }]);
    expect(taken[0].text).toContain(`(pid ${process.pid})`);
    open.splice(0).forEach((server) => server.close());
    expect(bad(await ports(wants({ addresses: ['127.0.0.1'], port }), undefined))).toEqual([]);
  });

  test('taken on any address counts for each; another address is another port', async () => {
    const port = await listen('0.0.0.0');
    expect(bad(await ports(wants({ addresses: ['127.0.0.1'], port }), undefined))).toHaveLength(1);
    const other = await listen('127.0.0.2');
    expect(bad(await ports(wants({ addresses: ['127.0.0.1'], port: other }), undefined))).toEqual([]);
  });

  test("the running router's own port is well, and so is its HTTP port", async () => {
    const port = await listen('127.0.0.1');
    const http = { address: '127.0.0.1', port };
    const all = await ports(wants({ addresses: ['127.0.0.1'], port, http }), process.pid);
    expect(all.map(({ level }) => level)).toEqual(['ok', 'ok']);
    expect(all[0].text).toContain("the running router's");
    expect(bad(await ports(wants({ port: 1, http }), process.pid + 1))).toContainEqual(
      expect.objectContaining({ level: 'problem', name: `http port ${port} on 127.0.0.1` }),
    );
  });

  test('an address that no interface has', async () => {
    const [missing] = await ports(wants({ addresses: ['192.0.2.77'], port: 17900 }), undefined);
    expect(missing).toMatchObject({ level: 'problem', name: 'address 192.0.2.77' });
    expect(missing.advice).toContain('ip address add 192.0.2.77');
  });

  test('a collector that takes connections, and one that does not', async () => {
    const port = await listen('127.0.0.1');
    const closed = await listen('127.0.0.2');
    open.pop()!.close();
    const collectors = [
      { address: '127.0.0.1', port },
      { address: '127.0.0.2', port: closed },
    ];
    const found = (await ports(wants({ addresses: ['127.0.0.1'], port: 17901, collectors }), undefined)).slice(-2);
    expect(found.map(({ level }) => level)).toEqual(['ok', 'warning']);
  });

  test('listeners out of /proc, both families', async () => {
    const four =
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
      '   0: 0100007F:00B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 31337 1 0 100 0 0 10 0\n' +
      '   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0\n' +
      '   2: 0100007F:00B3 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0\n';
    expect(parseListeners(four)).toEqual([
      { any: false, address: '127.0.0.1', port: 179, inode: '31337' },
      { any: true, address: '0.0.0.0', port: 22, inode: '4' },
    ]);
    const six = 'head\n 0: B80D0120000000000000000001000000:00B3 0:0 0A 0:0 00:0 0 0 0 7 1 0\n';
    expect(parseListeners(six)).toEqual([{ any: false, address: '2001:db8::1', port: 179, inode: '7' }]);
    const port = await listen('127.0.0.1');
    expect(ownerOf(listenersOn('127.0.0.1', port)[0])?.pid).toBe(process.pid);
    expect(ownerOf({ inode: '0' })).toBeUndefined();
  });
});

describe('directories', () => {
  const of = (at: string, bytes = 0): Finding[] =>
    directories(wants({ directories: [{ key: 'vote-log.file', path: at, bytes }], runDirectory: '/run/btr' }));

  test('there, or to be made', () => {
    expect(of(directory)).toMatchObject([{ level: 'ok' }]);
    expect(of(path.join(directory, 'a', 'b'))).toMatchObject([{ level: 'ok' }]);
  });

  test('a file in the way', () => {
    const file = path.join(directory, 'file');
    writeFileSync(file, '');
    expect(of(path.join(file, 'logs'))).toMatchObject([{ level: 'problem', name: 'vote-log.file' }]);
  });

  test('less room than the budget', () => {
    const [finding] = of(directory, 2 ** 60);
    expect(finding).toMatchObject({ level: 'warning' });
    expect(finding.advice).toContain('size-budget');
  });

  test.skipIf(process.getuid?.() !== 0)("a run directory that replicas' users cannot reach", () => {
    const closed = path.join(directory, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const runDirectory = path.join(closed, 'run');
    const found = directories(
      wants({ directories: [{ key: 'router.run-directory', path: runDirectory, bytes: 0 }], runDirectory }),
    );
    expect(found).toMatchObject([{ level: 'problem', text: `replicas' users cannot pass ${closed}` }]);
  });
});

describe('kernel and machine', () => {
  test('what every kernel here has, forwarding aside', () => {
    const found = kernel(wants({ kernel: false }));
    expect(
      found.filter(({ name }) => ['tcp-md5', 'gtsm', 'rtnetlink'].includes(name)).map(({ level }) => level),
    ).toEqual(['ok', 'ok', 'ok']);
    expect(found.map(({ name }) => name)).not.toContain('forwarding');
  });

  test('open files', () => {
    const limits = (hard: string): string =>
      `Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 ${hard}               files\n`;
    expect(
      [limits('1024'), limits('65536'), limits('unlimited')].map((text) => openFiles(wants({}), text).level),
    ).toEqual(['warning', 'ok', 'ok']);
  });

  test('the clock: wrong, not synchronised, right', () => {
    const now = Date.parse('2026-11-21');
    expect([clock(0, 0), clock(now, 5), clock(now, 0)].map(({ level }) => level)).toEqual(['warning', 'warning', 'ok']);
  });
});

describe('all of it', () => {
  test('a configuration with mistakes: each with its place, and the rest of the machine all the same', async () => {
    const file = path.join(directory, 'bad.yaml');
    writeFileSync(file, 'router: { as: 0 }\nneighbours: []\n');
    const findings = await examine(file);
    const mistakes = findings.filter(({ area, level }) => area === 'configuration' && level === 'problem');
    expect(mistakes.length).toBeGreaterThan(1);
    expect(mistakes[0].text).toContain(`${file}:1:`);
    expect(findings.map(({ area }) => area)).toContain('machine');
    expect(exitCodeOf(findings)).toBe(1);
  });

  test('a file that is not there', async () => {
    const findings = await examine(path.join(directory, 'nosuch.yaml'));
    expect(findings).toContainEqual(expect.objectContaining({ area: 'configuration', level: 'problem' }));
  });
});

describe('text', () => {
  const findings: Finding[] = [
    { area: 'kernel', name: 'ipv6', level: 'ok', text: 'there', advice: null },
    { area: 'ports', name: 'bgp port 179 on 2001:db8:1234:5678::1', level: 'problem', text: 'taken', advice: 'end it' },
    {
      area: 'machine',
      name: 'clock',
      level: 'warning',
      text: 'a text that is long enough to be broken into lines',
      advice: 'run chrony',
    },
  ];

  test('aligned, broken at the width, what to do below', () => {
    const lines = renderFindings(findings, 60);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    expect(lines.filter((line) => line.includes('→'))).toHaveLength(2);
    expect(lines.at(-1)).toBe('1 problem, 1 warning');
    expect(lines[1].indexOf('there')).toBe(lines.find((line) => line.includes('→'))!.indexOf('→'));
  });

  test('quiet: only what is not well; the status counts problems alone', () => {
    expect(renderFindings(findings, 80, true).join('\n')).not.toContain('ipv6');
    expect(exitCodeOf(findings)).toBe(1);
    expect(exitCodeOf(findings.filter(({ level }) => level !== 'problem'))).toBe(0);
  });
});
