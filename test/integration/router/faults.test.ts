// Findings on the real daemons: a replica whose native configuration makes it wrong on purpose is accused of exactly that, towards
// neighbours and in the forwarding table, and the habits of healthy daemons are told apart from faults.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generate } from '../../../configs/generate/index.js';
import { loadConfig } from '../../../configs/load.js';
import type { FaultsAnswer, FindingReport } from '../../../hypervisor/status.js';
import { encodeMessage, MessageType } from '../../../wire/bgp/message.js';
import { waitFor } from '../../../cli/lab/wait.js';
import { attribute, concat, nlri, ORIGIN, sequence, u16 } from '../../unit/wire/build.js';
import {
  address,
  neighborConfig,
  REPLICAS,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const [DROPPED, CHANGED, EXTRA] = [prefixAt(5), prefixAt(6), '20.99.0.0/24'];
const FORWARDING = 'fib';

/** BIRD's generated configuration with three faults put in; of these only the lost route concerns the forwarding table. */
function faulty(file: string): string {
  const { config } = loadConfig(file);
  const replica = config!.replicas.find(({ kind }) => kind === 'bird')!;
  const [{ contents }] = generate(config!, replica, { dir: '/nowhere', controlSocket: '/nowhere/control' });
  const broken = contents
    .replace(/import filter \{\n(?=\s*if bgp_path\.first)/g, (found) => `${found} if net = ${DROPPED} then reject;\n`)
    .replace(/export filter \{ if dest/g, `export filter { if net = ${CHANGED} then bgp_med = 77; if dest`);
  expect(broken).toContain(`if net = ${DROPPED}`);
  expect(broken).toContain('bgp_med = 77');
  return `${broken}\nprotocol static invented { ipv4; route ${EXTRA} blackhole; }\n`;
}

/** Attributes that only some daemons pass on as they should, and what is known of whom. */
const HABITS: [string, string, Uint8Array][] = [
  ['bird', 'bird-attribute-254', attribute(0xc0, 254, [1, 2])],
  [
    'bird',
    'bird-long-attributes',
    attribute(0xc0, 8, Array.from({ length: 780 }, (_, i) => [0xfb, 0xf0, ...u16(i)]).flat()),
  ],
  ['openbgpd', 'openbgpd-drops-attributes', attribute(0xc0, 255, [1, 2])],
  ['frr', 'frr-partial', attribute(0xe0, 32, [0, 0, 0xfb, 0xf0, 0, 0, 0, 1, 0, 0, 0, 2])],
  ['frr', 'frr-drops-attributes', attribute(0xc0, 40, [1, 0, 7, 0, 0, 0, 0, 0, 0, 5])],
];
const habitPrefix = (i: number): string => `20.50.${i}.0/24`;

function habitUpdate(from: Neighbor, i: number): Uint8Array {
  const [, , odd] = HABITS[i];
  const nextHop = attribute(0x40, 3, address(from.n).split('.').map(Number));
  const attributes = concat(ORIGIN, attribute(0x40, 2, sequence(from.as, 64_499)), nextHop, odd);
  const prefix = nlri(habitPrefix(i));
  return encodeMessage(
    MessageType.UPDATE,
    concat(Uint8Array.from([0, 0, ...u16(attributes.length)]), attributes, prefix),
  );
}

describe.skipIf(problem !== undefined)('findings', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let feeder: Neighbor, customer: Neighbor;

  beforeAll(async () => {
    lab = RouterLab.create('faults', 2);
    const neighbors = [1, 2].map((n) => neighborConfig(n));
    // Nothing is to be done about the findings here.
    const setup = { neighbors, voting: { 'fault-threshold': '1h' }, more: { fib: { backend: 'dry-run' } } };
    const native = path.join(lab.lab.directory, 'faulty.conf');
    writeFileSync(native, faulty(lab.write(setup).file));
    const replicas = REPLICAS.map((entry) => (entry.kind === 'bird' ? { ...entry, 'config-file': native } : entry));
    router = await lab.run({ ...setup, replicas });
    await router.untilVoting(3);
    [feeder, customer] = [1, 2].map((n) => new Neighbor(n));
    await Promise.all([feeder.connect(), customer.connect()]);
    await feeder.announce(tableOf(feeder.as, 1, 0, 40));
    await customer.untilRight([feeder]);
  });
  afterAll(async () => {
    await Promise.all([feeder, customer].map((neighbor) => neighbor?.stop()));
    await router?.stop();
    await lab?.destroy();
  });

  const ask = (params = {}): Promise<FaultsAnswer> => router.request('faults', params) as Promise<FaultsAnswer>;

  async function until(what: string, params: object, there: (findings: FindingReport[]) => boolean) {
    let last: FaultsAnswer | undefined;
    try {
      await waitFor(async () => there((last = await ask(params)).findings), { what, deadlineMs: 15_000 });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${JSON.stringify(last)}`, { cause: error });
    }
    return last!.findings;
  }

  test('a replica is accused of exactly what it does wrong, and nobody else of anything', async () => {
    const found = await until('five findings', {}, (findings) => findings.length >= 5);
    const of = (place: string, kind: string) => found.find((f) => f.place === place && f.kind === kind);
    expect(found.map(({ replica, open, prefixes }) => [replica, open, prefixes])).toEqual(
      found.map(() => ['bird', true, 1]),
    );
    const told = found.map(({ place, kind, samples }) => [place, kind, ...samples]).sort();
    expect(told).toEqual(
      [
        [address(1), 'extra', EXTRA],
        [address(2), 'extra', EXTRA],
        [address(2), 'missing', DROPPED],
        [address(2), 'different', CHANGED],
        [FORWARDING, 'missing', DROPPED],
      ].sort(),
    );
    expect(of(address(2), 'different')!.example!.diff).toEqual([{ attribute: 'MED', majority: null, vote: '77' }]);
    expect(of(address(2), 'missing')!.example).toMatchObject({ vote: null, majority: { NEXT_HOP: '10.0.2.1' } });
    expect(of(FORWARDING, 'missing')!.example).toMatchObject({ vote: null, majority: expect.anything() });
    const { replicas } = await router.status();
    expect(replicas.map(({ faults }) => faults)).toEqual([
      { open: 0, found: 0, known: 0 },
      { open: 5, found: 5, known: 0 },
      { open: 0, found: 0, known: 0 },
    ]);
    expect(router.log).toMatch(
      /replica bird has other routes than the majority for one prefix .* MED 77, majority \(none\)/,
    );
  });

  test('btr faults shows it', async () => {
    const { code, text } = await lab.btrOutput(['faults', '--findings', '--socket', router.socket]);
    expect(code).toBe(0);
    expect(text).toMatch(/OPEN {2}bird differs from frr and openbgpd on one prefix since .*, MED 77 instead of none/);
    expect(text).toMatch(/bird +different +10\.0\.2\.2 +open/);
    expect(text).toMatch(/bird +missing +forwarding table +open/);
    expect(text).toContain('MED: majority (none) — bird 77');
    expect((await ask({ replica: 'frr' })).findings).toEqual([]);
    await expect(ask({ replica: 'nobody' })).rejects.toThrow('nobody');
  });

  test('the habits of released daemons are known, and no faults', async () => {
    const before = (await ask()).findings.map(({ id }) => id);
    for (let i = 0; i < HABITS.length; i++) await feeder.send(habitUpdate(feeder, i));
    const found = await until('all habits', { all: true }, (findings) => {
      const samples = findings.filter(({ kind }) => kind === 'known-difference').flatMap((f) => f.samples);
      const refused = findings.some((f) => f.place === FORWARDING && f.samples.includes(habitPrefix(0)));
      return refused && HABITS.every((_, i) => samples.includes(habitPrefix(i)));
    });
    for (const replica of ['frr', 'bird', 'openbgpd']) {
      const names = [...new Set(HABITS.filter(([who]) => who === replica).map(([, name]) => name))].sort();
      const known = found.filter((f) => f.replica === replica && f.kind === 'known-difference');
      const told = known.map(({ place, text }) => [place, text]);
      expect(told).toContainEqual([address(2), names.join(', ')]);
      // In the forwarding table only what BIRD refuses altogether is missing.
      if (replica !== 'bird') expect(told).toHaveLength(1);
      else expect(told).toContainEqual([FORWARDING, 'bird-attribute-254']);
    }
    const { findings, knownDifferences } = await ask();
    expect(findings.map(({ id }) => id).sort()).toEqual(before.sort());
    expect(knownDifferences).toBe(4);
  });

  test('a fault ends with what it was about; a system event with the vote of the new process', async () => {
    await feeder.withdraw([DROPPED, CHANGED]);
    // With two voters left there is no majority to dissent from; with the third, two inventions are left.
    const ended = (cause: string) => (findings: FindingReport[]) =>
      findings.some((finding) => finding.cause === cause && !finding.open) &&
      findings
        .filter(({ open }) => open)
        .map(({ kind }) => kind)
        .join() === 'extra,extra';
    await router.signalReplica('openbgpd', 'SIGKILL');
    await until('it votes again', {}, ended('killed'));
    await router.signalReplica('frr', 'SIGSEGV');
    const over = await until('frr votes again', {}, ended('crash'));
    const system = over
      .filter(({ kind }) => kind === 'system')
      .map(({ replica, cause, total }) => [replica, cause, total]);
    expect(system).toEqual([
      ['frr', 'crash', 1],
      ['openbgpd', 'killed', 1],
    ]);
    const kinds = (): string[] => router.voteLog().map(({ kind, what }) => `${kind} ${String(what)}`);
    await waitFor(() => kinds().includes('fault-ends system'), { what: 'it is written', deadlineMs: 10_000 });
    for (const line of ['fault-begins missing', 'fault-ends different', 'known-difference-begins known-difference']) {
      expect(kinds()).toContain(line);
    }
  });
});
