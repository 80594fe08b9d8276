// A whole replay on loopback: files in, what the other side ends up with out. The other side is a bare listener with its own session.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CollectedTable } from '../../../traces/collector.js';
import { encodeRibView } from '../../../traces/encode.js';
import { findPeers, planNeighbors } from '../../../traces/replay-plan.js';
import { Replay, totalCounts } from '../../../traces/replay.js';
import { TraceError } from '../../../traces/source.js';
import { syntheticTable } from '../../../traces/synthetic.js';
import { makeCapabilities } from '../../../wire/bgp/capabilities.js';
import { MessageFramer } from '../../../wire/bgp/framing.js';
import { KEEPALIVE } from '../../../wire/bgp/message.js';
import { encodeOpen } from '../../../wire/bgp/open.js';
import { encodeMessageEt } from '../../../wire/mrt/encode.js';

const CONTEXT = { as4: true, ebgp: true, families: 1 };
let folder = '';
let rib = '';
let cut = '';
let updates = '';

/** Withdraws one prefix (NLRI) of the synthetic peer, `seconds` into the trace. */
function withdrawal(seconds: number, nlri: Uint8Array): Uint8Array {
  const length = 23 + nlri.length;
  const message = Uint8Array.of(...Array<number>(16).fill(255), 0, length, 2, 0, nlri.length, ...nlri, 0, 0);
  const ends = {
    peerAs: 30844,
    localAs: 6447,
    peerAddress: Uint8Array.of(192, 0, 2, 1),
    localAddress: new Uint8Array(4),
  };
  return encodeMessageEt(seconds * 1000, ends, message);
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'btr-replay-'));
  const records = [...syntheticTable({ prefixes: 3000, seed: 5 })];
  const file = (name: string, parts: Uint8Array[]) => {
    writeFileSync(path.join(folder, name), Buffer.concat(parts));
    return path.join(folder, name);
  };
  rib = file('rib', records);
  cut = file('cut', [...records.slice(0, 1001), records[1001].subarray(0, 20)]);
  const nlriOf = (record: Uint8Array) => record.subarray(16, 17 + ((record[16] + 7) >> 3));
  updates = file(
    'updates',
    records.slice(1, 11).map((record, i) => withdrawal(1000 + i, nlriOf(record))),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A passive speaker that keeps what each connection, told apart by the AS in its OPEN, announces. */
async function sink() {
  const tables = new Map<number, CollectedTable>();
  const server = net.createServer((socket) => {
    const framer = new MessageFramer();
    const table = new CollectedTable();
    socket.on('error', () => undefined);
    const capabilities = makeCapabilities({ families: 1, as: 65000 });
    socket.write(encodeOpen({ version: 4, as: 65000, holdTime: 90, routerId: '10.0.0.9', capabilities }));
    socket.write(KEEPALIVE);
    socket.on('data', (chunk) => {
      framer.push(chunk);
      while (framer.next()) {
        if (framer.type === 1)
          tables.set((framer.buffer[framer.start + 20] << 8) | framer.buffer[framer.start + 21], table);
        if (framer.type === 2) table.update(framer.buffer, framer.start, framer.end, CONTEXT);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { tables, server, to: `127.0.0.1:${(server.address() as net.AddressInfo).port}` };
}

async function prepare(files: string[], to: string, more: object = {}) {
  const peers = await findPeers(files, []);
  const request = { peers: [], to: [to], as: ['65001'], local: ['127.0.0.1'], map: [], derive: 3 };
  // Linux answers on all of 127/8, so the twin's counted-up address works too.
  return new Replay({ files, neighbors: planNeighbors(request, peers), patience: 0, ...more });
}

describe('Replay', () => {
  it('plays a RIB and then updates to a neighbour and its derived twin', async () => {
    const { tables, server, to } = await sink();
    const replay = await prepare([rib, updates], to);
    await replay.connect();
    await replay.play();
    await replay.stop();
    await new Promise((resolve) => server.close(resolve));
    expect(totalCounts(replay.players)).toMatchObject({ announced: 6000, withdrawn: 20, unusable: 0, tooLong: 0 });
    const [plain, derived] = [tables.get(65001)!, tables.get(65002)!];
    expect([plain.size, derived.size, plain.endOfRib, derived.endOfRib]).toEqual([2990, 2990, 1, 1]);
    expect(plain.withdrawn).toBe(10);
    expect(derived.diff(plain, 10_000).every(({ kind }) => kind === 'different')).toBe(true);
    const view = await encodeRibView(rib, {
      peer: 'AS30844',
      as: 65001,
      nextHops: { ipv4: Uint8Array.of(127, 0, 0, 1) },
    });
    expect([view.routes, view.messages > 2]).toEqual([3000, true]);
    const ahead = new CollectedTable();
    const framer = new MessageFramer();
    framer.push(view.bytes);
    while (framer.next()) ahead.update(framer.buffer, framer.start, framer.end, CONTEXT);
    const missing = plain.diff(ahead, 10_000);
    expect(missing).toHaveLength(10);
    expect(missing.every(({ kind }) => kind === 'missing')).toBe(true);
  });

  it('plays the updates again and again for a while, the RIB once, and finishes the pass', async () => {
    const { server, to } = await sink();
    const replay = await prepare([rib, updates], to, { loopMs: 50 });
    await replay.connect();
    // A clock by which each pass takes 20 ms.
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => replay.passes * 20);
    await replay.play().finally(() => clock.mockRestore());
    const { announced, withdrawn } = totalCounts(replay.players);
    await replay.stop();
    server.close();
    expect(replay.passes).toBe(3);
    expect(announced).toBe(2 * 3000);
    expect(withdrawn).toBe(2 * 10 * 3);
  });

  it('plays what is whole of a file that is cut short, then says so', async () => {
    const { tables, server, to } = await sink();
    const replay = await prepare([rib], to);
    await replay.connect();
    await replay.stop();
    const again = new Replay({ files: [cut], neighbors: replay.players.map(({ plan }) => plan), patience: 0 });
    await again.connect();
    await expect(again.play()).rejects.toThrow(TraceError);
    await again.stop();
    await new Promise((resolve) => server.close(resolve));
    expect(tables.get(65001)!.size).toBe(1000);
  });

  it('ends at the signal while it waits for the trace time', async () => {
    const { server, to } = await sink();
    const stop = new AbortController();
    const replay = await prepare([rib, updates], to, { speed: 0.001, signal: stop.signal });
    await replay.connect();
    const playing = replay.play();
    const deadline = performance.now() + 20_000;
    while (totalCounts(replay.players).withdrawn === 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stop.abort();
    await playing;
    await replay.hold();
    await new Promise((resolve) => server.close(resolve));
    expect(totalCounts(replay.players).withdrawn).toBe(2);
    expect(replay.players.every(({ ended }) => ended?.includes('Administrative Shutdown'))).toBe(true);
  });
});
