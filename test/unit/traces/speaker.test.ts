// The speaker against a scripted other side on loopback, and a replay into a collector.
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Speaker, SpeakerError, describeDown } from '../../../traces/speaker.js';
import { encodeOpen } from '../../../wire/bgp/open.js';
import { KEEPALIVE } from '../../../wire/bgp/message.js';
import { makeCapabilities } from '../../../wire/bgp/capabilities.js';
import { encodeNotification } from '../../../wire/bgp/notification.js';

const servers: net.Server[] = [];
const sockets: net.Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A listener on loopback that answers each connection by `script`. */
async function listen(script: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    script(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port;
}

function open(as: number): Uint8Array {
  const capabilities = makeCapabilities({ families: 3, as });
  return encodeOpen({ version: 4, as, holdTime: 90, routerId: '10.0.0.9', capabilities });
}

const speaker = (port: number, more: object = {}) =>
  new Speaker({ host: '127.0.0.1', port, as: 65001, routerId: '10.0.0.1', patience: 0, ...more });

describe('Speaker', () => {
  it('establishes a session, takes what comes, and closes with Cease', async () => {
    const fromUs: Buffer[] = [];
    const port = await listen((socket) => {
      socket.on('data', (chunk) => fromUs.push(chunk));
      socket.write(Buffer.concat([open(65000), KEEPALIVE]));
    });
    const s = speaker(port, { peerAs: 65000 });
    const negotiated = await s.connect();
    expect(negotiated).toMatchObject({ peerAs: 65000, families: 3, as4: true });
    expect(s.localAddress).toBe('127.0.0.1');
    await s.stop();
    expect((await s.ended).origin).toBe('sent');
    expect(Buffer.concat(fromUs).at(-2)).toBe(6);
    expect(Buffer.concat(fromUs).at(-1)).toBe(2);
  });

  it('says by name what the other side does not like', async () => {
    const port = await listen((socket) => {
      socket.write(encodeNotification({ code: 2, subcode: 2, data: new Uint8Array(0) }));
      socket.end();
    });
    await expect(speaker(port, { patience: 30 }).connect()).rejects.toThrow(/received NOTIFICATION .*Bad Peer AS/);
  });

  it('refuses another AS than the one wanted', async () => {
    const port = await listen((socket) => void socket.write(open(64999)));
    await expect(speaker(port, { peerAs: 65000 }).connect()).rejects.toThrow(SpeakerError);
  });

  it('tells a refused connection, and keeps trying while it has patience', async () => {
    const port = await listen(() => undefined);
    await new Promise((resolve) => servers[0].close(resolve));
    await expect(speaker(port).connect()).rejects.toThrow(/127\.0\.0\.1:\d+: connection refused/);
    const late = speaker(port, { patience: 20 }).connect();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.write(Buffer.concat([open(65000), KEEPALIVE]));
    });
    servers.push(server);
    server.listen(port, '127.0.0.1');
    expect((await late).peerAs).toBe(65000);
  });

  it('reports a session that the other side ends, and never waits for it afterwards', async () => {
    let other: net.Socket | undefined;
    const port = await listen((socket) => {
      other = socket;
      socket.pause();
      socket.write(Buffer.concat([open(65000), KEEPALIVE]));
    });
    const s = speaker(port);
    await s.connect();
    let free = true;
    for (let i = 0; i < 200 && free; i++) free = s.send(new Uint8Array(1 << 16));
    expect(free).toBe(false);
    other!.destroy();
    await s.drained();
    await s.flushed();
    const reason = await s.ended;
    expect(reason.origin).toBe('transport');
    expect(describeDown(reason)).toMatch(/closed|reset/);
    expect(s.send(new Uint8Array(19))).toBe(true);
  });

  it('knows when a small last write that had to wait has been taken', async () => {
    let other: net.Socket | undefined;
    const port = await listen((socket) => {
      other = socket;
      socket.pause();
      socket.write(Buffer.concat([open(65000), KEEPALIVE]));
    });
    const s = speaker(port);
    await s.connect();
    // Less than the stream's own mark at a time, until one does not fit into the kernel's buffers any more.
    let flushed = Promise.resolve();
    for (let waits = false; !waits;) {
      s.send(new Uint8Array(8192));
      flushed = s.flushed();
      waits = await Promise.race([flushed.then(() => false), new Promise<true>((r) => setTimeout(r, 20, true))]);
    }
    other!.resume();
    await flushed;
  });
});
