// btr replay's players against plain BIRD, FRR and OpenBGPD in a namespace: each daemon's own tool must count what was played.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, Lab, labProblem } from '../../cli/lab/lab.js';
import { makeOpenbgpdHome } from '../../cli/lab/openbgpd-home.js';
import { writeSyntheticTable } from '../../traces/synthetic.js';

const PREFIXES = 20_000;
const ROOT = path.resolve(import.meta.dirname, '../..');
const NEIGHBORS = [
  { address: '10.0.1.2', as: 65001 },
  { address: '10.0.1.3', as: 65002 },
];

interface Daemon {
  readonly name: string;
  readonly program: string;
  readonly config: (folder: string) => string;
  readonly argv: (program: string, config: string, folder: string) => string[];
  /** Prefixes that the daemon holds from each neighbour, by its own tool. */
  readonly count: (lab: Lab, folder: string) => number[];
}

const perNeighbor = (text: string, pattern: (address: string) => RegExp) =>
  NEIGHBORS.map(({ address }) => Number(pattern(address.replaceAll('.', '\\.')).exec(text)?.[1] ?? NaN));

const DAEMONS: Daemon[] = [
  {
    name: 'BIRD',
    program: 'bird',
    config: () =>
      ['router id 10.0.0.1;', 'protocol device {}']
        .concat(
          NEIGHBORS.map(
            ({ address, as }, i) =>
              `protocol bgp n${i} { local 10.0.1.1 as 65000; neighbor ${address} as ${as}; passive; ipv4 { import all; export none; }; }`,
          ),
        )
        .join('\n'),
    argv: (program, config, folder) => [program, '-f', '-c', config, '-s', path.join(folder, 'ctl')],
    count: (lab, folder) =>
      NEIGHBORS.map((_, i) => {
        const text = lab.run('router', ['birdc', '-s', path.join(folder, 'ctl'), `show route protocol n${i} count`]);
        return Number(/(\d+) of \d+ routes for/.exec(text)?.[1] ?? NaN);
      }),
  },
  {
    name: 'FRR',
    program: '/usr/lib/frr/bgpd',
    config: () =>
      ['router bgp 65000', ' bgp router-id 10.0.0.1', ' no bgp ebgp-requires-policy']
        .concat(
          NEIGHBORS.flatMap(({ address, as }) => [
            ` neighbor ${address} remote-as ${as}`,
            ` neighbor ${address} passive`,
          ]),
        )
        .join('\n'),
    argv: (program, config, folder) => {
      const at = (name: string) => path.join(folder, name);
      return [
        program,
        '-Z',
        '-n',
        '-S',
        '-P',
        '0',
        '-f',
        config,
        '--vty_socket',
        folder,
        '-i',
        at('pid'),
        '-z',
        at('zapi'),
      ];
    },
    count: (lab, folder) => {
      const text = lab.run('router', ['vtysh', '--vty_socket', folder, '-c', 'show bgp summary json']);
      const { peers } = (JSON.parse(text) as { ipv4Unicast: { peers: Record<string, { pfxRcd: number }> } })
        .ipv4Unicast;
      return NEIGHBORS.map(({ address }) => peers[address]?.pfxRcd ?? NaN);
    },
  },
  {
    name: 'OpenBGPD',
    program: 'bgpd',
    config: (folder) =>
      [
        'AS 65000',
        'router-id 10.0.0.1',
        'listen on 10.0.1.1',
        `socket "${path.join(folder, 'ctl')}"`,
        'nexthop qualify via default',
      ]
        .concat(
          NEIGHBORS.map(
            ({ address, as }) => `neighbor ${address} {\n remote-as ${as}\n passive\n local-address 10.0.1.1\n}`,
          ),
        )
        .concat('allow from any', '')
        .join('\n'),
    argv: (program, config) => [program, '-d', '-f', config],
    count: (lab, folder) => {
      const text = lab.run('router', ['bgpctl', '-s', path.join(folder, 'ctl'), 'show', 'summary']);
      return perNeighbor(text, (address) => new RegExp(`^${address} .* (\\d+)\\s*$`, 'm'));
    },
  },
];

const problem = labProblem();

describe.each(DAEMONS)('btr replay against $name', (daemon) => {
  const program = findProgram(daemon.program) ?? (daemon.program.startsWith('/') ? daemon.program : undefined);
  const reason = problem ?? (program === undefined ? `${daemon.program} is not installed` : undefined);
  let lab: Lab;
  let table = '';

  beforeAll(async () => {
    if (reason !== undefined) return;
    lab = Lab.create('replay', { handleSignals: false });
    lab.addNamespace('router');
    lab.addNamespace('feeder');
    const addresses = NEIGHBORS.map(({ address }) => `${address}/24`);
    lab.link({ namespace: 'router', addresses: ['10.0.1.1/24'] }, { namespace: 'feeder', addresses });
    table = path.join(lab.directory, 'table.mrt.gz');
    await writeSyntheticTable(table, { prefixes: PREFIXES, seed: 11 });
  });
  afterAll(async () => await lab?.destroy());

  it(`plays ${PREFIXES} prefixes as two neighbours (${reason ?? 'in a namespace'})`, async (context) => {
    if (reason !== undefined) return context.skip(reason);
    const folder = path.join(lab.directory, 'daemon');
    mkdirSync(folder);
    const config = path.join(folder, 'daemon.conf');
    writeFileSync(config, `${daemon.config(folder)}\n`, { mode: 0o600 });
    if (daemon.name === 'OpenBGPD') makeOpenbgpdHome();
    const router = await lab.spawn('router', daemon.argv(program!, config, folder));
    const options = [
      '--to',
      '10.0.1.1',
      '--as',
      '65001',
      '--local-address',
      '10.0.1.2',
      '--derive',
      '5',
      '--wait',
      '20',
      '--json',
    ];
    const replay = await lab.spawn('feeder', [path.join(ROOT, 'btr'), 'replay', table, ...options]);
    const counts = await lab.waitFor(
      () => {
        if (!replay.running) throw new Error(`replay ended: ${replay.logTail()}`);
        const seen = daemon.count(lab, folder);
        return seen.every((count) => count === PREFIXES) && seen;
      },
      {
        what: `${PREFIXES} prefixes from both neighbours in ${daemon.name}: ${router.logTail()}`,
        deadlineMs: 60_000,
        intervalMs: 300,
      },
    );
    expect(counts).toEqual([PREFIXES, PREFIXES]);
    replay.kill('SIGINT');
    expect(await replay.exited).toMatchObject({ code: 0 });
    const summary = JSON.parse(replay.logTail(1)) as { players: { announced: number; ended: string | null }[] };
    expect(summary.players.map(({ announced, ended }) => [announced, ended])).toEqual(Array(2).fill([PREFIXES, null]));
  });

  it(`is told by name why a session is refused (${reason ?? 'in a namespace'})`, async (context) => {
    if (reason !== undefined) return context.skip(reason);
    const wrong = ['--to', '10.0.1.1', '--as', '65009', '--local-address', '10.0.1.2', '--wait', '20', '--exit'];
    const replay = await lab.spawn('feeder', [path.join(ROOT, 'btr'), 'replay', table, ...wrong]);
    expect(await replay.exited).toMatchObject({ code: 1 });
    expect(replay.logTail()).toContain('Bad Peer AS');
  });
});
