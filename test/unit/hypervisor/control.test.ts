// The control socket: questions and answers, several at once, bad ones, too long ones, and nobody there.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ControlClient } from '../../../hypervisor/control/client.js';
import { LineSplitter, MAX_REQUEST, parseRequest } from '../../../hypervisor/control/protocol.js';
import { ControlServer } from '../../../hypervisor/control/server.js';
import type { Logger } from '../../../hypervisor/logging.js';

describe('lines', () => {
  test('come out whole however they are cut', () => {
    const text = '{"a":1}\n\n  \n{"b":"ü"}\nrest';
    for (let size = 1; size < text.length; size++) {
      const splitter = new LineSplitter(100);
      const out: string[] = [];
      for (let at = 0; at < text.length; at += size) out.push(...splitter.push(text.slice(at, at + size)));
      expect(out).toEqual(['{"a":1}', '{"b":"ü"}']);
    }
  });

  test('too long ones are refused, finished or not', () => {
    for (const text of ['x'.repeat(11), `${'x'.repeat(11)}\n`]) {
      const splitter = new LineSplitter(10);
      expect(splitter.push(text)).toEqual([]);
      expect(splitter.overflow).toBe(true);
    }
  });

  test.each(['', '{', '[]', 'null', '{"id":"1","method":"a"}', '{"id":1}', '{"id":1,"method":"a","params":3}'])(
    'are no request: %s',
    (line) => expect(typeof parseRequest(line)).toBe('string'),
  );
});

describe('server and client', () => {
  let directory: string;
  let socket: string;
  let server: ControlServer;

  beforeEach(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'btr-control-'));
    socket = path.join(directory, 'control.sock');
    const methods = {
      echo: (params: Record<string, unknown>) => params,
      fail: () => {
        throw new Error('no such thing');
      },
      large: () => 'x'.repeat(1 << 20),
    };
    server = new ControlServer(methods, { error: () => undefined } as unknown as Logger);
    await server.listen(socket);
  });
  afterEach(async () => {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('is for its owner alone', () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  test('answers each question, also many at once and large ones', async () => {
    const client = await ControlClient.connect(socket);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => client.request('echo', { n })));
    expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => ({ n })));
    expect(await client.request('large')).toHaveLength(1 << 20);
    client.close();
  });

  test('says what went wrong and goes on', async () => {
    const client = await ControlClient.connect(socket);
    await expect(client.request('fail')).rejects.toThrow('no such thing');
    await expect(client.request('nonsense')).rejects.toThrow('echo, fail, large');
    expect(await client.request('echo', { still: 'here' })).toEqual({ still: 'here' });
    client.close();
  });

  test('a question that is too long is refused with the reason, and the connection stays', async () => {
    const client = await ControlClient.connect(socket);
    await expect(client.request('echo', { long: 'x'.repeat(MAX_REQUEST) })).rejects.toThrow(
      `a hypervisor takes ${MAX_REQUEST} at most`,
    );
    expect(await client.request('echo', { still: 'here' })).toEqual({ still: 'here' });
    client.close();
  });

  test('survives rubbish and ends endless lines', async () => {
    const raw = net.connect(socket);
    const closed = new Promise<void>((resolve) => raw.once('close', () => resolve()));
    const answer = new Promise<string>((resolve) => raw.once('data', (chunk) => resolve(String(chunk))));
    raw.on('error', () => undefined);
    raw.write('rubbish\n');
    expect(JSON.parse(await answer)).toEqual({ id: 0, error: 'not JSON' });
    raw.write('x'.repeat(MAX_REQUEST + 1));
    await closed;
    const client = await ControlClient.connect(socket);
    expect(await client.request('echo')).toEqual({});
    client.close();
  });

  test('a client that does not read its answers is not read either', async () => {
    const raw = net.connect(socket);
    await new Promise((resolve) => raw.once('connect', resolve));
    raw.pause();
    let accepted = 0;
    const question = Buffer.from(`${'{"id":1,"method":"large"}'.padEnd(60_000)}\n`);
    // Its questions pile up on its own side.
    for (let full = 0; full < 20;) {
      if (raw.write(question)) accepted++;
      if (raw.writableLength > 0) full++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(accepted).toBeLessThan(50);
    raw.destroy();
    const client = await ControlClient.connect(socket);
    expect(await client.request('echo')).toEqual({});
    client.close();
  });

  test('a question that is open when the hypervisor goes away fails', async () => {
    const client = await ControlClient.connect(socket);
    await client.request('echo');
    await server.close();
    await expect(client.request('echo')).rejects.toThrow(/closed the connection/);
  });

  test('nobody there', async () => {
    await expect(ControlClient.connect(path.join(directory, 'other.sock'))).rejects.toThrow(/is "btr run" running/);
  });
});
