// The HTTP server itself, over real sockets: who is let in, what is too big, too slow, too often or too many, and what readers that do not read
// cost. What it serves here are small routes of this file.
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { HttpConfig } from '../../../configs/model.js';
import { HttpError, sendJson, sendPieces } from '../../../hypervisor/http/answers.js';
import { HttpCounters } from '../../../hypervisor/http/counters.js';
import { Gate } from '../../../hypervisor/http/gate.js';
import type { Route } from '../../../hypervisor/http/routes.js';
import { HttpServer, type HttpLimits } from '../../../hypervisor/http/server.js';
import type { Logger } from '../../../hypervisor/logging.js';
import { ask, login, type HttpAnswer } from '../../support/http-client.js';

const TOKEN = 'a-token-for-tests-only';
const KNOWN = { authorization: `Bearer ${TOKEN}` };
const PIECE = 'x'.repeat(64 * 1024);

let server: HttpServer | undefined;
const errors: string[] = [];
const log = { error: (text: string) => void errors.push(text) } as unknown as Logger;
/** Pieces of the endless answer that were made. */
let made = 0;
/** Its generator was closed. */
let closed = 0;

function* endless(): Generator<string> {
  try {
    for (;;) {
      made++;
      yield PIECE;
    }
  } finally {
    closed++;
  }
}

const gate = new Gate(2, 'answers');
const get = { method: 'GET', access: 'token' } as const;
const ROUTES: Route[] = [
  { ...get, path: '/public', access: 'public', handle: (_, response) => sendJson(response, { public: true }) },
  { ...get, path: '/glass', access: 'looking-glass', handle: (_, response) => sendJson(response, {}) },
  { ...get, path: '/secret', handle: (_, response) => sendJson(response, { secret: 42 }) },
  { ...get, path: '/below/*', handle: ({ rest }, response) => sendJson(response, { rest }) },
  { ...get, path: '/below/deeper/*', handle: ({ rest }, response) => sendJson(response, { deeper: rest }) },
  { ...get, path: '/endless', handle: (_, response) => sendPieces(response, 'text/plain', endless()) },
  {
    ...get,
    path: '/gated',
    handle: (_, response) => gate.pass(response, () => sendPieces(response, 'text/plain', endless())),
  },
  {
    ...get,
    path: '/broken',
    handle: () => {
      throw new TypeError('a mistake of ours');
    },
  },
  {
    ...get,
    path: '/teapot',
    handle: () => Promise.reject(new HttpError(418, 'tea "only"')),
  },
  {
    ...get,
    path: '/half',
    handle: (_, response) =>
      sendPieces(
        response,
        'text/plain',
        (function* () {
          yield PIECE;
          throw new Error('lost in between');
        })(),
      ),
  },
];

let counters: HttpCounters;

async function listen(more: Partial<HttpConfig> = {}, limits?: HttpLimits): Promise<string> {
  counters = new HttpCounters();
  const config: HttpConfig = {
    ...{ enabled: true, address: '127.0.0.1', port: 0, token: TOKEN, open: false, hosts: ['router.example'] },
    ...{ lookingGlass: false, ...more },
  };
  server = new HttpServer(config, ROUTES, counters, log, limits);
  await server.listen();
  return `http://127.0.0.1:${server.port}/`;
}

afterEach(async () => {
  await server?.close();
  server = undefined;
  errors.length = 0;
  vi.useRealTimers();
});

/** Writes `text` as it is; what comes back until the other side closes. */
async function raw(base: string, text: string): Promise<string> {
  const socket = net.connect(Number(new URL(base).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

const errorOf = ({ text }: HttpAnswer): string => (JSON.parse(text) as { error: string }).error;

describe('who may ask', () => {
  test('the token opens what it has to, and nothing else does', async () => {
    const base = await listen();
    expect((await ask(base, '/public')).status).toBe(200);
    const denied: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${TOKEN}x` },
      { authorization: `Bearer ${TOKEN.slice(0, -1)}` },
      { authorization: `Bearer ${TOKEN.toUpperCase()}` },
      { authorization: 'Bearer' },
      { authorization: `Basic ${Buffer.from(`:${TOKEN}`).toString('base64')}` },
      { authorization: TOKEN },
      { cookie: `btr-0=${TOKEN}` },
    ];
    for (const headers of denied) {
      const answer = await ask(base, '/secret', { headers });
      expect(answer.status, JSON.stringify(headers)).toBe(401);
      expect(answer.text).not.toContain('42');
    }
    // So many wrong ones are made to wait.
    for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`]) {
      const known = async (): Promise<boolean> =>
        (await ask(base, '/secret', { headers: { authorization } })).status === 200;
      await waitFor(known, { what: 'the token is taken', deadlineMs: 5000 });
    }
  });

  test('without a token (open) everything is, to known names only', async () => {
    const base = await listen({ token: undefined, open: true });
    expect((await ask(base, '/secret')).status).toBe(200);
    expect((await ask(base, '/secret', { headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await login(base, '')).status).toBe(401);
  });

  test('the looking glass is public only when it is said so', async () => {
    expect((await ask(await listen(), '/glass')).status).toBe(401);
    await server!.close();
    const base = await listen({ lookingGlass: true });
    expect((await ask(base, '/glass')).status).toBe(200);
    expect((await ask(base, '/secret')).status).toBe(401);
  });

  test('strangers do not learn what there is', async () => {
    const base = await listen();
    expect((await ask(base, '/secret')).text).toBe((await ask(base, '/nowhere')).text);
    expect((await ask(base, '/secret', { method: 'DELETE' })).status).toBe(401);
  });

  test.each([
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['router.example', 200],
    ['ROUTER.example:9179', 200],
    ['localhost:1', 200],
    ['[::1]:9179', 200],
    ['192.0.2.1', 200],
    ['router.example:9179:1', 403],
    ['router.example@evil.example', 403],
  ])('Host: %s → %i', async (host, status) => {
    const base = await listen();
    expect((await ask(base, '/secret', { headers: { ...KNOWN, host } })).status).toBe(status);
  });

  test('a request without Host is refused', async () => {
    const base = await listen();
    expect(await raw(base, 'GET /public HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    const empty = 'GET /public HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n';
    expect(await raw(base, empty)).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('logging in', () => {
  const cookieOf = (answer: HttpAnswer): string => answer.headers['set-cookie']![0];

  test('the cookie ends with its time, and is worth nothing when it was changed or is another router’s', async () => {
    const base = await listen();
    const cookie = cookieOf(await login(base, TOKEN)).split(';')[0];
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await ask(base, '/secret', { headers })).status;
    expect(await status({ cookie })).toBe(200);
    expect(await status({ cookie: `other=1; ${cookie}; more=2` })).toBe(200);
    const [, until, signature] = /=(\d+)\.([0-9a-f]+)$/.exec(cookie)!;
    expect(await status({ cookie: `btr-0=${Number(until) + 1}.${signature}` })).toBe(401);
    expect(await status({ cookie: cookie.slice(0, -1) + (cookie.endsWith('0') ? '1' : '0') })).toBe(401);
    expect(await status({ cookie: cookie.replace('btr-0', 'btr-1') })).toBe(401);
    vi.useFakeTimers({ toFake: ['Date'], now: (Number(until) + 1) * 1000 });
    expect(await status({ cookie })).toBe(401);
    vi.useRealTimers();
    await server!.close();
    const other = await listen({ token: 'another-token-altogether' });
    expect((await ask(other, '/secret', { headers: { cookie } })).status).toBe(401);
  });

  test('goes on TLS only when the page was on TLS', async () => {
    const base = await listen();
    const headers = { host: 'router.example' };
    expect(cookieOf(await login(base, TOKEN, { ...headers, origin: 'https://router.example' }))).toMatch(/; Secure$/);
    expect(cookieOf(await login(base, TOKEN, { ...headers, origin: 'http://router.example' }))).not.toContain('Secure');
  });

  test('no other site logs anybody in or out', async () => {
    const base = await listen();
    for (const origin of ['http://evil.example', 'null', 'https://router.example.evil.example', 'http://127.0.0.1:1']) {
      const answer = await login(base, TOKEN, { origin });
      expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined]);
      expect((await ask(base, '/logout', { method: 'POST', headers: { origin } })).status).toBe(403);
    }
    const own = await ask(base, '/logout', { method: 'POST', headers: { origin: base.slice(0, -1) } });
    expect(own.status).toBe(303);
    expect(cookieOf(own)).toContain('Max-Age=0');
  });

  test('what was typed is not in the page', async () => {
    const answer = await login(await listen(), '"><script>alert(1)</script>');
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('alert(1)');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
  });

  test('a form without an end is answered, and not read', async () => {
    const base = await listen();
    const answer = await ask(base, '/login', { method: 'POST', body: `token=${'x'.repeat(100_000)}` });
    expect([answer.status, errorOf(answer)]).toEqual([413, 'the form is longer than 4096 bytes']);
    expect(answer.headers.connection).toBe('close');
  });
});

describe('limits', () => {
  test('who asks too often waits; a wrong token costs as much as twenty questions', async () => {
    const base = await listen();
    const statuses: number[] = [];
    for (let i = 0; i < 15; i++) statuses.push((await ask(base, '/secret')).status);
    expect(statuses.slice(0, 8)).toEqual(Array(8).fill(401));
    expect(statuses).toContain(429);
    const answer = await ask(base, '/public');
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '1']);
    await waitFor(async () => (await ask(base, '/public')).status === 200, { what: 'it goes on', deadlineMs: 5000 });
  });

  test.each([
    ['a URL without an end', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['a header without an end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['two lengths', 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', 400],
    [
      'a length and chunks (request smuggling)',
      'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s', async (_, text, status) => {
    const answer = await raw(await listen(), text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toHaveProperty('error');
  });

  test('connections beyond the limit are closed, and counted', async () => {
    const base = await listen();
    const port = Number(new URL(base).port);
    const sockets = Array.from({ length: 128 }, () => net.connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const late = net.connect(port, '127.0.0.1').on('error', () => undefined);
    await once(late, 'close');
    await waitFor(() => counters.refused > 0, { what: 'it is counted', deadlineMs: 5000 });
    sockets.forEach((socket) => socket.destroy());
    await waitFor(async () => (await ask(base, '/public').catch(() => undefined))?.status === 200, {
      what: 'there is room again',
      deadlineMs: 5000,
    });
  });

  test.each([
    ['headers', 'GET / HTTP/1.1\r\nHost: loc'],
    ['a form', 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ntoken='],
  ])('a request whose %s do not end is ended', async (_, text) => {
    const base = await listen({}, { connections: 2, request: 200, idle: 200, stall: 5000 });
    expect(await raw(base, text)).toMatch(/^HTTP\/1\.1 408 /);
    expect(errors).toEqual([]);
  });

  test('a connection on which nothing moves is cut off', async () => {
    const base = await listen({}, { connections: 2, request: 5000, idle: 5000, stall: 300 });
    closed = 0;
    const socket = net.connect(Number(new URL(base).port), '127.0.0.1').on('error', () => undefined);
    socket.pause();
    socket.write(`GET /endless HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
    await waitFor(() => closed === 1, { what: 'the answer is given up', deadlineMs: 10_000 });
    socket.destroy();
  });

  test('a reader that does not read holds a bounded piece of an answer, and others are served', async () => {
    const base = await listen();
    [made, closed] = [0, 0];
    const socket = net.connect(Number(new URL(base).port), '127.0.0.1').on('error', () => undefined);
    socket.pause();
    socket.write(`GET /endless HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
    let before = -1;
    await waitFor(
      () => {
        const still = made > 0 && made === before;
        before = made;
        return still;
      },
      { what: 'nothing more is made', deadlineMs: 10_000, intervalMs: 100 },
    );
    // What the kernel takes for a socket of its own, and one block: some megabytes.
    expect(made * PIECE.length).toBeLessThan(32 * 1024 * 1024);
    expect((await ask(base, '/secret', { headers: KNOWN })).status).toBe(200);
    expect(closed).toBe(0);
    socket.destroy();
    await waitFor(() => closed === 1, { what: 'its generator is closed', deadlineMs: 5000 });
  });

  test('only so many long answers at once', async () => {
    const base = await listen();
    closed = 0;
    const port = Number(new URL(base).port);
    const sockets = [0, 1].map(() => net.connect(port, '127.0.0.1').on('error', () => undefined));
    for (const socket of sockets) {
      socket.write(`GET /gated HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
      await once(socket, 'data');
      socket.pause();
    }
    const answer = await ask(base, '/gated', { headers: KNOWN });
    expect([answer.status, answer.headers['retry-after'], errorOf(answer)]).toEqual([
      503,
      '5',
      '2 answers are being sent already',
    ]);
    sockets[0].destroy();
    await waitFor(() => closed === 1, { what: 'there is a place', deadlineMs: 5000 });
    expect((await ask(base, '/gated', { method: 'HEAD', headers: KNOWN })).status).toBe(200);
    sockets[1].destroy();
  });
});

describe('answers', () => {
  test('paths: the longest prefix, decoded once, with no way out', async () => {
    const base = await listen();
    const at = async (path: string): Promise<unknown> => JSON.parse((await ask(base, path, { headers: KNOWN })).text);
    expect(await at('/below/a%2Fb')).toEqual({ rest: 'a/b' });
    expect(await at('/below/deeper/c')).toEqual({ deeper: 'c' });
    expect(await at('/below/%252e%252e/x')).toEqual({ rest: '%2e%2e/x' });
    // What URLs resolve is resolved before a route is looked for.
    expect(await at('/below/../secret')).toEqual({ secret: 42 });
    expect(await at('/below/%2e%2e/secret')).toEqual({ secret: 42 });
    for (const [path, status] of [
      ['/below/%ff', 400],
      ['/below', 404],
      ['/Secret', 404],
      ['/secret/', 404],
      ['//evil.example/secret', 200],
    ] as const) {
      const answer = await ask(base, path, { headers: KNOWN });
      expect(answer.status, path).toBe(status);
      expect(answer.headers.location).toBeUndefined();
    }
  });

  test('methods', async () => {
    const base = await listen();
    const head = await ask(base, '/secret', { method: 'HEAD', headers: KNOWN });
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '14']);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      const answer = await ask(base, '/secret', { method, headers: KNOWN });
      expect([answer.status, answer.headers.allow], method).toEqual([405, 'GET, HEAD']);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  test('every answer has the headers that keep pages safe', async () => {
    const base = await listen();
    for (const path of ['/public', '/nowhere', '/login']) {
      const { headers } = await ask(base, path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['content-security-policy']).not.toContain('unsafe');
    }
  });

  test('errors are JSON; our own mistakes are in the log, not in the answer', async () => {
    const base = await listen();
    const broken = await ask(base, '/broken', { headers: KNOWN });
    expect([broken.status, errorOf(broken)]).toEqual([500, 'internal error']);
    expect(errors.join()).toContain('a mistake of ours');
    const teapot = await ask(base, '/teapot', { headers: KNOWN });
    expect([teapot.status, errorOf(teapot)]).toEqual([418, 'tea "only"']);
    expect(errors).toHaveLength(1);
  });

  test('an answer that fails in the middle does not look whole', async () => {
    const base = await listen();
    await expect(ask(base, '/half', { headers: KNOWN })).rejects.toThrow();
    expect(errors.join()).toContain('lost in between');
    await waitFor(() => counters.answers.of('200') === 1, { what: 'it is counted', deadlineMs: 5000 });
  });

  test('a port in use is a message for the user', async () => {
    const base = await listen();
    const port = Number(new URL(base).port);
    const config = { enabled: true, address: '127.0.0.1', port, open: true, hosts: [], lookingGlass: false };
    const second = new HttpServer(config, [], new HttpCounters(), log);
    await expect(second.listen()).rejects.toThrow(
      `http: cannot listen on 127.0.0.1 port ${port}: the port is in use (http.port)`,
    );
  });
});
