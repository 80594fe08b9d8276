// Netlink sockets under the shim, without a daemon: Node calls libc through koffi, and a scripted kernel answers.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ShimHub, type ControlChannel } from '../../../preload/hub.js';
import { acknowledgeWrites, close, receiveInto, sendFrom } from '../../../preload/native.js';
import { waitFor } from '../../support/wait.js';

const root = path.resolve(import.meta.dirname, '../../..');
const shim = path.join(root, 'preload/shim/btr-shim.so');
const client = path.join(root, 'test/support/netlink-client.mjs');
const reason = existsSync(shim) ? undefined : 'preload/shim is not built (npm run build)';
if (reason !== undefined) console.warn(`netlink under the shim was not tested: ${reason}`);

const EAGAIN = -11;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const REQUEST = 1;
const ACK = 4;
const DUMP = 0x300;
const BY_THE_SHIM = 0x8000;

/** [type, flags, seq, payload length] of every message in a datagram. */
function messages(bytes: Uint8Array): number[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found: number[][] = [];
  for (let at = 0; at + 16 <= bytes.length; at += (view.getUint32(at, true) + 3) & ~3) {
    found.push([
      view.getUint16(at + 4, true),
      view.getUint16(at + 6, true),
      view.getUint32(at + 8, true),
      view.getUint32(at, true) - 16,
    ]);
  }
  return found;
}

function message(type: number, flags: number, seq: number, payload: number[] = []): Uint8Array {
  const words = Uint32Array.of(16 + 4 * payload.length, type | (flags << 16), seq, 77, ...payload);
  return new Uint8Array(words.buffer);
}

describe.skipIf(reason !== undefined)('a netlink socket under the shim', () => {
  let hub: ShimHub;
  let control: ControlChannel;
  let child: ChildProcess;
  let said: unknown[];
  let sockets: { fd: number; portId: number }[];

  beforeEach(() => {
    hub = new ShimHub();
    control = hub.createControl();
    sockets = [];
    said = [];
    control.on('netlink', (socket) => sockets.push(socket));
  });
  afterEach(async () => {
    child.kill('SIGKILL');
    for (const { fd } of sockets) close(fd);
    await hub.close();
  });

  /** Runs a script with everything of netlink-client.mjs at hand. */
  const run = (script: string, environment: Record<string, string> = { BTR_NETLINK: '1' }): void => {
    const program = `import * as client from ${JSON.stringify(client)}; Object.assign(globalThis, client); ${script}`;
    child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      env: { LD_PRELOAD: shim, BTR_CONTROL_FD: '3', ...environment },
      stdio: ['pipe', 'pipe', 'inherit', control.childFd],
    });
    control.handedOver();
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (text + chunk.toString()).split('\n');
      text = lines.pop()!;
      said.push(...lines.map((line) => JSON.parse(line) as unknown));
    });
  };
  const saying = async (count: number): Promise<unknown[]> => {
    await waitFor(() => said.length >= count, `the program to say ${count} things`);
    return said;
  };
  const opened = async (count = 1): Promise<{ fd: number; portId: number }> => {
    await waitFor(() => sockets.length >= count, `${count} netlink sockets`);
    return sockets[count - 1];
  };
  const next = async (fd: number): Promise<Uint8Array> => {
    const buffer = new Uint8Array(1 << 18);
    let length = EAGAIN;
    await waitFor(() => (length = receiveInto(fd, buffer)) !== EAGAIN, 'a datagram');
    expect(length).toBeGreaterThan(0);
    return buffer.slice(0, length);
  };
  const answer = (fd: number, ...datagram: Uint8Array[]): void => {
    const bytes = Buffer.concat(datagram);
    expect(sendFrom(fd, bytes, 0, bytes.length)).toBe(bytes.length);
  };

  it('looks like one and goes to the hypervisor', async () => {
    run(`const a = socket(RAW | NONBLOCK), b = socket(2);
      say([getsockname(a), isNonblocking(a), isNonblocking(b), getsockopt(a, 1, 39), getsockopt(a, 1, 38), getsockopt(a, 1, 3)]);
      say(getsockname(b)); setInterval(() => {}, 1000)`);
    await opened(2);
    const [first, second] = await saying(2);
    expect(sockets.map(({ portId }) => portId >= 2 ** 31)).toEqual([true, true]);
    expect(first).toEqual([[16, sockets[0].portId], true, false, 16, 0, 3]);
    expect(second).toEqual([16, sockets[1].portId]);
  });

  it("is the kernel's for other protocols, and for a replica without a kernel of its own", async () => {
    run('const fd = socket(RAW, 16); bind(fd, 0); say(getsockname(fd)[1] < 2 ** 31); say(1)');
    expect(await saying(2)).toEqual([true, 1]);
    expect(sockets).toEqual([]);
    child.kill('SIGKILL');
    control = hub.createControl();
    control.on('netlink', (socket) => sockets.push(socket));
    run('const fd = socket(); bind(fd, 0); say(send(fd, message(18, 0x301, 1, [0]))); say(receive(fd).length > 0)', {});
    expect(await saying(4)).toEqual([true, 1, 17, true]);
    expect(sockets).toEqual([]);
  });

  it('tells groups and options in their place among the requests', async () => {
    run(`const fd = socket(); bind(fd, 0x551); setsockopt(fd, 270, 12, 1); setsockopt(fd, 270, 1, 34);
      say([setsockopt(fd, 1, 26, 0, 0), setsockopt(fd, 1, 33, 1 << 22)]); send(fd, message(24, 1, 9, [1])); say(receive(fd))`);
    const { fd, portId } = await opened();
    const bound = await next(fd);
    expect([...new Uint32Array(bound.buffer)]).toEqual([20, 0xfff1 | (REQUEST << 16), 0, portId, 0x551]);
    expect([...new Uint32Array((await next(fd)).buffer).subarray(4)]).toEqual([12, 1]);
    const membership = await next(fd);
    expect(messages(membership)).toEqual([[0xfff2, REQUEST, 0, 8]]);
    expect([...new Uint32Array(membership.buffer).subarray(4)]).toEqual([1, 34]);
    expect(messages(await next(fd))).toEqual([[RTM_NEWROUTE, REQUEST, 9, 1]]);
    expect(await saying(1)).toEqual([[0, 0]]);
  });

  it('waits for the end of a dump although it does not block', async () => {
    run(`const fd = socket(RAW | NONBLOCK);
      say(receive(fd)); say(send(fd, message(18, 0x301, 5, [0])));
      say(peekLength(fd)); for (let i = 0; i < 3; i++) say(receive(fd)); say(receive(fd))`);
    const { fd } = await opened();
    expect(messages(await next(fd))).toEqual([[RTM_GETLINK, REQUEST | DUMP, 5, 1]]);
    // What a daemon that takes EAGAIN for the end would have said by now.
    await expect(waitFor(() => said.length > 2, 'anything more', 100)).rejects.toThrow('in vain');
    answer(fd, message(RTM_NEWLINK, 2, 5, [1, 2]), message(RTM_NEWLINK, 2, 5));
    await saying(4);
    answer(fd, message(RTM_NEWLINK, 0, 0));
    await saying(5);
    await expect(waitFor(() => said.length > 5, 'anything more', 100)).rejects.toThrow('in vain');
    answer(fd, message(RTM_NEWLINK, 2, 5), message(NLMSG_DONE, 2, 5, [0]));
    const [empty, sent, peeked, first, , last, over] = await saying(7);
    expect([empty, sent, peeked, over]).toEqual(['EAGAIN', 17, 40, 'EAGAIN']);
    expect(first).toMatchObject({ length: 40, flags: 0, from: [16, 0, 0], nameLength: 12 });
    expect(last).toMatchObject({ length: 36 });
  });

  it('waits for the answer to a single question, and no longer than for a truncated one', async () => {
    run(`const fd = socket(RAW | NONBLOCK);
      send(fd, message(18, 1, 6)); say(receive(fd).length); say(receive(fd));
      send(fd, message(18, 0x301, 7)); say(receive(fd, 8).flags); say(receive(fd))`);
    const { fd } = await opened();
    await next(fd);
    answer(fd, message(RTM_NEWLINK, 0, 6));
    expect(messages(await next(fd))).toEqual([[RTM_GETLINK, REQUEST | DUMP, 7, 0]]);
    answer(fd, message(NLMSG_DONE, 2, 7, [0]));
    expect(await saying(4)).toEqual([16, 'EAGAIN', 0x20, 'EAGAIN']);
  });

  it('has a route write acknowledged before the hypervisor has read it', async () => {
    const route = 'Array.from({ length: 20 }, (_, i) => i)';
    run(`const fd = socket(RAW | NONBLOCK);
      for (const type of [24, 25]) {
        say(send(fd, message(type, 0x605, type, ${route}))); say(receive(fd, 8, PEEK | TRUNC)); say(peekLength(fd));
        say(receive(fd)); say(receive(fd));
      }`);
    const [sent, cut, peeked, ack, empty, ...deleted] = await saying(10);
    const { fd, portId } = await opened();
    expect([sent, peeked, empty]).toEqual([36, 36, 'EAGAIN']);
    expect(cut).toMatchObject({ length: 36, flags: 0x20, hex: '2400000002000001' });
    expect(ack).toMatchObject({ length: 36, flags: 0, from: [16, 0, 0], nameLength: 12 });
    // Length, NLMSG_ERROR with NLM_F_CAPPED, sequence number, port; error 0; the request's header.
    expect([...new Uint32Array(Uint8Array.from(Buffer.from((ack as { hex: string }).hex, 'hex')).buffer)]).toEqual([
      36,
      NLMSG_ERROR | (0x100 << 16),
      RTM_NEWROUTE,
      portId,
      0,
      36,
      RTM_NEWROUTE | (0x605 << 16),
      RTM_NEWROUTE,
      0,
    ]);
    expect(deleted[4]).toBe('EAGAIN');
    const write = await next(fd);
    expect(messages(write)).toEqual([[RTM_NEWROUTE, 0x605 | BY_THE_SHIM, RTM_NEWROUTE, 20]]);
    expect([...write.subarray(16)]).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(messages(await next(fd))).toEqual([[RTM_DELROUTE, 0x605 | BY_THE_SHIM, RTM_DELROUTE, 20]]);
  });

  it('leaves to the hypervisor what is more than a plain write', async () => {
    run(`const fd = socket(RAW | NONBLOCK), route = message(24, 0x605, 1, new Array(12).fill(0));
      const both = new Uint8Array(56); both.set(route); both.set(message(24, 0x605, 2, new Array(12).fill(0)), 28);
      send(fd, both); say(receive(fd).length); say(receive(fd).length); say(receive(fd));
      send(fd, message(24, 0x605, 3)); say(receive(fd).length); send(fd, message(20, 5, 4)); say(receive(fd).length)`);
    const { fd } = await opened();
    expect(messages(await next(fd))).toEqual([
      [RTM_NEWROUTE, 0x605, 1, 12],
      [RTM_NEWROUTE, 0x605, 2, 12],
    ]);
    for (const seq of [1, 2]) answer(fd, message(NLMSG_ERROR, 0, seq, [0, 0, 0, 0, 0]));
    expect(messages(await next(fd))).toEqual([[RTM_NEWROUTE, 0x605, 3, 0]]);
    answer(fd, message(NLMSG_ERROR, 0, 3, [-22, 0, 0, 0, 0]));
    expect(messages(await next(fd))).toEqual([[20, REQUEST | ACK, 4, 0]]);
    answer(fd, message(NLMSG_ERROR, 0, 4, [0, 0, 0, 0, 0]));
    expect(await saying(5)).toEqual([36, 36, 'EAGAIN', 36, 36]);
  });

  it('has every write answered by the hypervisor that wants it so, and knows when there is no error', async () => {
    run(`const fd = socket(RAW | NONBLOCK), route = new Array(12).fill(0);
      process.stdin.once('data', () => {
        send(fd, message(24, 0x605, 1, route)); say(receive(fd).length); say(receive(fd));
        send(fd, message(24, 0x501, 2, route)); say(peekLength(fd)); say(receive(fd).length); say(receive(fd));
        send(fd, message(24, 0x501, 3, route)); say(receive(fd));
        process.exit();
      })`);
    const { fd } = await opened();
    acknowledgeWrites(fd);
    acknowledgeWrites(fd);
    child.stdin!.write('go');
    expect(messages(await next(fd))).toEqual([[RTM_NEWROUTE, 0x605, 1, 12]]);
    answer(fd, message(NLMSG_ERROR, 0x100, 1, [-17, 0, 0, 0, 0]));
    expect(messages(await next(fd))).toEqual([[RTM_NEWROUTE, 0x501, 2, 12]]);
    const barrier = messages(await next(fd))[0];
    expect(barrier).toEqual([1, REQUEST | ACK, 0xffffffff, 0]);
    answer(fd, message(NLMSG_ERROR, 0x100, 2, [-101, 0, 0, 0, 0]));
    answer(fd, message(NLMSG_ERROR, 0x100, 0xffffffff, [0, 0, 0, 0, 0]));
    expect(messages(await next(fd))).toEqual([[RTM_NEWROUTE, 0x501, 3, 12]]);
    await next(fd);
    answer(fd, message(NLMSG_ERROR, 0x100, 0xffffffff, [0, 0, 0, 0, 0]));
    expect(await saying(6)).toEqual([36, 'EAGAIN', 36, 36, 'EAGAIN', 'EAGAIN']);
  });

  it('never refuses a request for want of room, and keeps their order', async () => {
    const count = 5000;
    run(`const fd = socket(RAW | NONBLOCK); let bad = 0;
      for (let i = 0; i < ${count}; i++) bad += send(fd, message(24, 0x501, i, new Array(44).fill(0))) !== 60;
      say(bad)`);
    const { fd } = await opened();
    await expect(waitFor(() => said.length > 0, 'the end of the flood', 100)).rejects.toThrow('in vain');
    for (let i = 0; i < count; i++) expect(messages(await next(fd))[0][2]).toBe(i);
    expect(await saying(1)).toEqual([0]);
  });

  it('is a plain descriptor again after close', async () => {
    run(`const fd = socket(RAW | NONBLOCK), closed = close(fd), other = socket(2 | NONBLOCK, 0, 2);
      say(closed); say(other === fd); say(receive(other)); say(close(other))`);
    const { fd } = await opened();
    expect(await saying(4)).toEqual([0, true, 'EAGAIN', 0]);
    expect(receiveInto(fd, new Uint8Array(16))).toBe(0);
  });

  for (const [what, script] of [
    ['reads', 'say(receive(fd))'],
    ['waits for an answer', 'send(fd, message(18, 0x301, 1)); say(receive(fd))'],
    ['peeks', 'say(peekLength(fd))'],
    ['writes', 'for (;;) send(fd, message(24, 0x501, 1, new Array(100).fill(0)))'],
  ]) {
    it(`ends the process when nobody is behind it and it ${what}`, async () => {
      run(`const fd = socket(); ${script}`);
      const { fd } = await opened();
      const exit = once(child, 'exit');
      close(fd);
      sockets.length = 0;
      expect(await exit).toEqual([111, null]);
      expect(said).toEqual([]);
    });
  }
});
