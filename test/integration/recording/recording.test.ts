// A router with the real daemons records what is said; it is killed, and what it has left is played into a second one, which must come to
// the same table. Other people's tool (bgpdump) must read every file, and a bundle must hold all of it and no secrets.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../../cli/lab/lab.js';
import { LabProcess } from '../../../cli/lab/process.js';
import { waitFor } from '../../../cli/lab/wait.js';
import type { RecorderStats } from '../../../hypervisor/recording/recorder.js';
import { CollectedTable } from '../../../traces/collector.js';
import { TraceDecoder } from '../../../traces/decoder.js';
import { readTrace } from '../../../traces/reader.js';
import { traceFiles } from '../../../traces/trace-files.js';
import { MessageType } from '../../../wire/bgp/message.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  asOf,
  localAddress,
  neighborConfig,
  ROUTER_AS,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);
const MAIN = path.resolve(import.meta.dirname, '../../../dist/cli/main.js');
const ROUTES = 300;
const ROTATE_MS = 2000;
const TOKEN = 'a-token-that-is-nobodys-business';
const NEIGHBORS = [1, 2, 3].map((n) => neighborConfig(n));

/** All files below a directory. */
function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** What somebody holds who was told the UPDATEs to (or of) this peer in a directory of recordings. */
async function tableIn(directory: string, peer: string, sent: boolean): Promise<CollectedTable> {
  const table = new CollectedTable();
  const decoder = new TraceDecoder({
    wants: ({ address: who, sentBy }) => who === peer && (sentBy !== undefined) === sent,
    route: () => undefined,
    message: (_, buffer, start, end, as4) => void table.update(buffer, start, end, { as4, ebgp: true, families: 3 }),
  });
  for (const file of await traceFiles([directory])) await readTrace(file, (record) => decoder.visit(record));
  return table;
}

/** Types of the messages of (or to) this peer in a directory of recordings, and how often each. */
async function typesIn(directory: string, peer: string, sent: boolean): Promise<Map<number, number>> {
  const types = new Map<number, number>();
  const decoder = new TraceDecoder({
    wants: ({ address: who, sentBy }) => who === peer && (sentBy !== undefined) === sent,
    route: () => undefined,
    message: (_, buffer, start) => void types.set(buffer[start + 18], (types.get(buffer[start + 18]) ?? 0) + 1),
  });
  for (const file of await traceFiles([directory])) await readTrace(file, (record) => decoder.visit(record));
  return types;
}

describe.skipIf(problem !== undefined)('recording', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let directory: string;
  const [a, b, customer] = [new Neighbor(1), new Neighbor(2), new Neighbor(3)];

  beforeAll(async () => {
    lab = RouterLab.create('record', 3);
    const more = { record: { 'rotate-after': `${ROTATE_MS}ms` }, http: { enabled: false, token: TOKEN } };
    router = await lab.run({ neighbors: NEIGHBORS, more });
    directory = path.join(router.directory, 'recordings');
    await router.untilVoting(3);
  });
  afterAll(async () => {
    await Promise.all([a, b, customer].map((neighbor) => neighbor.stop()));
    await router?.stop();
    await lab?.destroy();
  });

  test('what neighbours, replicas and the router say is on disk, also after a SIGKILL', async () => {
    const window = (): number => Math.floor(Date.now() / ROTATE_MS);
    await Promise.all([a, b, customer].map((neighbor) => neighbor.connect()));
    const first = window();
    await a.announce(tableOf(a.as, 1, 0, ROUTES));
    await b.announce(tableOf(b.as, 2, 0, ROUTES));
    await customer.untilRight([a, b]);
    await a.withdraw([...a.routes.keys()].slice(0, 50));
    await waitFor(() => window() > first, { what: 'the next window', deadlineMs: 2 * ROTATE_MS });
    // A session that comes again: what it said before does not hold any more.
    await b.stop();
    b.renew();
    await customer.untilRight([a, b]);
    await b.connect();
    await b.announce(tableOf(b.as, 3, ROUTES / 2, 2 * ROUTES));
    await customer.untilRight([a, b]);
    await router.untilUnanimous(3);

    const { recording } = (await router.request('record-flush')) as { recording: RecorderStats };
    expect(recording).toMatchObject({ dropped: 0, queued: 0, error: null, removed: 0, directory });
    expect(recording.streams.map(({ name }) => name)).toEqual([
      'received',
      'replicas/frr',
      'replicas/bird',
      'replicas/openbgpd',
      'advertised',
    ]);
    expect(recording.streams.every(({ records }) => records > 0)).toBe(true);
    // Longer than one window: there are several files.
    expect(recording.files).toBeGreaterThan(recording.streams.length);
    const files = filesIn(directory);
    expect(recording).toMatchObject({ files: files.length });
    expect(files.every((file) => /\/updates\.\d{8}\.\d{4}(\.\d+)?\.gz$/.test(file))).toBe(true);

    expect((await tableIn(path.join(directory, 'advertised'), address(3), true)).diff(customer.table)).toEqual([]);
    // Neighbour 2 came twice and went once, with Cease; the router did not end its session.
    const [said, told] = await Promise.all([
      typesIn(path.join(directory, 'received'), address(2), false),
      typesIn(path.join(directory, 'advertised'), address(2), true),
    ]);
    const { OPEN, NOTIFICATION } = MessageType;
    expect([said.get(OPEN), said.get(NOTIFICATION), told.get(OPEN), told.get(NOTIFICATION)]).toEqual([
      2,
      1,
      2,
      undefined,
    ]);
    const announced = await tableIn(path.join(directory, 'received'), address(1), false);
    expect(announced.size).toBe(a.routes.size);
    for (const replica of ['frr', 'bird', 'openbgpd']) {
      const said = await tableIn(path.join(directory, 'replicas', replica), address(3), true);
      expect(said.size).toBe(customer.table.size);
    }
  });

  test('a bundle of the running router has everything and no secret', async () => {
    const file = path.join(lab.lab.directory, 'bundle.tar.gz');
    const { code, text } = await lab.btrOutput(['record', 'bundle', '-s', router.socket, '--since', '10m', '-o', file]);
    expect({ code, text }).toMatchObject({ code: 0 });
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' })
      .split('\n')
      .map((name) => name.slice(name.indexOf('/') + 1));
    const recorded = filesIn(directory).map((name) => path.join('recordings', path.relative(directory, name)));
    expect(names).toEqual(expect.arrayContaining(['README.txt', 'router.yaml', 'status.json', 'faults.json']));
    expect(names).toEqual(expect.arrayContaining(['versions.json', 'votes/votes.jsonl', 'logs/bird.log', ...recorded]));
    const all = execFileSync('tar', ['-xzOf', file], { maxBuffer: 1 << 26 });
    expect(all.includes(TOKEN)).toBe(false);
    expect(all.includes('"neighbor-address": "10.0.1.2"')).toBe(true);
    const status = await lab.btrOutput(['record', 'status', '-s', router.socket]);
    expect(status.text).toMatch(/^replicas\/openbgpd +[1-9]/m);
  });

  test('another router that is played what the killed one received comes to the same table', async () => {
    await router.stop('SIGKILL');
    const first = customer.table;
    await customer.stop();
    customer.renew();
    const second = await lab.run({ neighbors: NEIGHBORS, run: 'second' });
    router = second;
    await second.untilVoting(3);
    await customer.connect();
    const map = (n: number): string[] => [
      '--map',
      `peer=${address(n)},local=${address(n)},as=${asOf(n)},to=${localAddress(n)}`,
    ];
    const options = ['--sessions', '--verbatim', '--wait', '20', '--json', ...map(1), ...map(2)];
    const argv = ['replay', path.join(directory, 'received'), ...options];
    const replay = await LabProcess.spawn([process.execPath, MAIN, ...argv], {
      name: 'btr-replay',
      log: path.join(lab.lab.directory, 'replay.log'),
    });
    await waitFor(() => replay.running && customer.table.diff(first).length === 0, {
      what: `the second router's customer holds what the first one's held: ${replay.logTail()}`,
      deadlineMs: 30_000,
    });
    expect((await second.neighbor(2)).flaps).toBe(1);
    replay.kill('SIGINT');
    expect(await replay.exited).toMatchObject({ code: 0 });
  });

  test('a bundle of what a dead router has left', async () => {
    const file = path.join(lab.lab.directory, 'offline.tar.gz');
    const { code } = await lab.btrOutput(['record', 'bundle', '-d', path.dirname(directory), '-o', file]);
    expect(code).toBe(0);
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' });
    for (const file of filesIn(directory)) expect(names).toContain(path.relative(directory, file));
    expect(names).not.toContain('status.json');
  });

  test.skipIf(findProgram('bgpdump') === undefined)('bgpdump reads every file (skipped without it)', () => {
    let updates = 0;
    for (const file of filesIn(directory)) {
      const { stdout, status } = spawnSync('bgpdump', ['-m', file], { encoding: 'utf8' });
      expect(status).toBe(0);
      const lines = stdout.split('\n').filter(Boolean);
      const sent = !file.includes('/received/');
      for (const line of lines) {
        const [kind, , what, peer, as] = line.split('|');
        expect(kind).toBe(sent && what !== 'STATE' ? 'BGP4MP_ET_LOCAL' : 'BGP4MP_ET');
        expect(as).toBe(String(ROUTER_AS + Number(peer.split('.')[2])));
      }
      updates += lines.filter((line) => /\|[AW]\|/.test(line)).length;
    }
    expect(updates).toBeGreaterThan(5 * ROUTES);
    expect(readFileSync(filesIn(path.join(directory, 'received'))[0]).subarray(0, 2)).toEqual(Buffer.of(0x1f, 0x8b));
  });
});
