// One connection to a collector, over real sockets: who begins, what a slow collector does to it, that long dumps leave room for what is
// new, and how it ends.
import type net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../../../cli/lab/wait.js';
import { BmpFeed, type Dump, type FeedOptions } from '../../../../hypervisor/bmp/feed.js';
import type { Logger } from '../../../../hypervisor/logging.js';
import { writeInitiation } from '../../../../wire/bmp/encode.js';
import { BmpCollectorServer, type BmpConnection } from '../../../support/bmp-collector.js';

const MIB = 2 ** 20;
let server: BmpCollectorServer;
let feed: BmpFeed | undefined;
let lines: string[];

const log = {
  info: (text: string) => void lines.push(text),
  warn: (text: string) => void lines.push(text),
} as unknown as Logger;

function connect(more: Partial<FeedOptions> = {}): BmpFeed {
  const port = more.port ?? server.port;
  const options = { address: '127.0.0.1', port, sysName: 'r1', bufferSize: MIB, log, greet: () => undefined, ...more };
  return (feed = new BmpFeed(options));
}

/** Some thing that a collector is told, of so many bytes. */
function say(of: BmpFeed, text: string): void {
  writeInitiation(of.out, [[0, text]]);
  of.touch();
}

const said = ({ messages }: BmpConnection): string[] =>
  messages.map(({ body }) => body.toString('utf8', 4, 4 + body.readUInt16BE(2)));
const until = (what: string, condition: () => boolean): Promise<unknown> =>
  waitFor(condition, { what, deadlineMs: 10_000, intervalMs: 5 });
const isUp = (): boolean => feed!.ready && server.connections.at(-1)?.name === 'r1';

beforeEach(async () => {
  lines = [];
  server = await BmpCollectorServer.listen('127.0.0.1', 0);
});
afterEach(async () => {
  await feed?.close();
  await server.close();
});

describe('a connection to a collector', () => {
  test('begins with who we are and what is to be known first, and ends with Termination', async () => {
    connect({ greet: (of) => say(of, 'first') });
    await until('it is up', isUp);
    say(feed!, 'then');
    await feed!.close();
    const [connection] = server.connections;
    await until('it is closed', () => connection.closed);
    expect(connection.messages.map(({ type }) => type)).toEqual([4, 4, 4, 5]);
    expect(said(connection).slice(1, 3)).toEqual(['first', 'then']);
    expect(feed!.status().bytes).toBe(connection.messages.reduce((sum, { bytes }) => sum + bytes.length, 0));
  });

  test('is tried again when nobody is there; the log says so once', async () => {
    const { port } = server;
    await server.close();
    connect({ port });
    await until('an attempt failed', () => feed!.status().lastError === 'ECONNREFUSED');
    expect(feed!.status()).toMatchObject({ connected: false, connects: 0 });
    server = await BmpCollectorServer.listen('127.0.0.1', port);
    await until('it is up', isUp);
    expect(lines.filter((line) => line.includes('no connection'))).toHaveLength(1);
  });

  test('a collector that does not keep up is dropped, with a bound on what waits for it, and begun anew', async () => {
    let greeted = 0;
    connect({ greet: () => void greeted++ });
    await until('it is up', isUp);
    const [connection] = server.connections;
    connection.socket.pause();
    let most = 0;
    for (let i = 0; feed!.ready && i < 10_000; i++) {
      say(feed!, 'x'.repeat(10_000));
      most = Math.max(most, feed!.status().queued);
      await turn();
    }
    expect(most).toBeLessThan(MIB + 2 * 65_536);
    expect(feed!.status()).toMatchObject({ connected: false, overflows: 1 });
    expect(feed!.status().lastError).toContain('does not keep up');
    // What is said meanwhile goes nowhere, and costs nothing.
    if (feed!.ready) say(feed!, 'lost');
    await until('it is up again', () => feed!.ready && server.connections.length === 2 && isUp());
    expect([greeted, feed!.status().connects, feed!.status().queued]).toEqual([2, 2, 0]);
  });

  test('a dump waits for the collector, and what is new goes before the rest of it', async () => {
    const parts = 200;
    let steps = 0;
    const dump: Dump = {
      step: (out) => {
        writeInitiation(out, [[0, 'dump'.padEnd(50_000, '.')]]);
        return ++steps < parts;
      },
    };
    connect({ greet: (of) => of.dump(dump) });
    await until('the collector hears of it', () => server.connections.length === 1);
    const [connection] = server.connections;
    connection.socket.pause();
    let before = -1;
    await until('it waits', () => {
      const waits = before === steps && steps > 0;
      before = steps;
      return waits;
    });
    expect(steps).toBeLessThan(parts);
    expect(feed!.status()).toMatchObject({ overflows: 0 });
    expect(feed!.status().queued).toBeLessThan(MIB);
    say(feed!, 'new');
    connection.socket.resume();
    await until('all of it has come', () => said(connection).length === 1 + parts + 1);
    expect(said(connection).indexOf('new')).toBeLessThan(parts);
    expect(feed!.status()).toMatchObject({ connects: 1, overflows: 0 });
  });

  test('one that says something is not listened to', async () => {
    connect();
    await until('it is up', isUp);
    const { socket } = server.connections[0] as { socket: net.Socket };
    for (let i = 0; i < 100; i++) socket.write(Buffer.alloc(65_536));
    await until('it was read', () => socket.writableLength === 0);
    expect(feed!.ready).toBe(true);
  });
});
