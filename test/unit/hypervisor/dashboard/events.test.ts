// Server-sent events over a real socket: what a listener hears, and what becomes of one that does not read.
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { waitFor } from '../../../../cli/lab/wait.js';
import type { HttpError } from '../../../../hypervisor/http/answers.js';
import { EventStreams, type EventLimits } from '../../../../hypervisor/http/dashboard/events.js';

const until = (what: string, holds: () => boolean | Promise<boolean>): Promise<unknown> =>
  waitFor(holds, { what, deadlineMs: 20_000, intervalMs: 2 });

let server: http.Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(limits: Partial<EventLimits>): Promise<{ streams: EventStreams; port: number }> {
  const streams = new EventStreams(limits);
  server = http.createServer((_, response) => {
    try {
      streams.open(response, [['status', { text: 'a\nb' }]]);
    } catch (error) {
      response.writeHead((error as HttpError).status).end((error as Error).message);
    }
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return { streams, port: (server.address() as AddressInfo).port };
}

function listener(port: number): { socket: net.Socket; text: () => string } {
  let text = '';
  const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
  socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)));
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  return { socket, text: () => text };
}

test('a listener has the first events at once and the later ones as they come, one line of data each', async () => {
  const { streams, port } = await serve({});
  const { text, socket } = listener(port);
  await until('it listens', () => streams.size === 1);
  streams.send('sample', { t: 1 });
  await until('the sample comes', () => text().includes('sample'));
  expect(text()).toContain('content-type: text/event-stream');
  expect(text()).toContain('retry: 2000\n\n');
  expect(text()).toContain('event: status\ndata: {"text":"a\\nb"}\n\n');
  expect(text()).toContain('event: sample\ndata: {"t":1}\n\n');
  socket.destroy();
  await until('it is forgotten', () => streams.size === 0);
  expect(streams.dropped).toBe(0);
});

test('one that does not read is cut off, with a bounded amount waiting for it; others go on', async () => {
  const { streams, port } = await serve({ waiting: 100_000 });
  const [slow, good] = [listener(port), listener(port)];
  await until('both listen', () => streams.size === 2);
  slow.socket.pause();
  const data = 'x'.repeat(1_000_000);
  let sent = 0;
  await until('the slow one is cut off', async () => {
    streams.send('status', data);
    sent += data.length;
    await until('the other one has read it', () => good.text().length >= sent);
    return streams.dropped === 1;
  });
  expect(streams.size).toBe(1);
  // What the two sockets' buffers hold comes on top of what waits here.
  expect(sent).toBeLessThan(20_000_000);
});

test('there is room for so many, the next one is told', async () => {
  const { streams, port } = await serve({ listeners: 1 });
  listener(port);
  await until('the first listens', () => streams.size === 1);
  const late = listener(port);
  await until('the second is told', () => late.text().includes('close one'));
  expect(late.text()).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 10/);
});
