// The HTTP server: listens, keeps strangers and floods out, finds the route and sees that every request gets an answer. Off unless it is
// configured (`http:`). Owns limits, headers and errors; who may ask is auth.ts, what is said belongs to the routes.
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type net from 'node:net';
import type { HttpConfig } from '../../configs/model.js';
import { formatEndpoint } from '../../wire/ip.js';
import { now } from '../clock.js';
import type { Logger } from '../logging.js';
import { HttpError, sendError } from './answers.js';
import { Auth } from './auth.js';
import type { HttpCounters } from './counters.js';
import { loginRoutes } from './login.js';
import { RateLimit, REFUSED_COST } from './rate-limit.js';
import { RouteTable, type HttpRequest, type Route } from './routes.js';

/** Request line and header fields, bytes. */
const MAX_HEADER = 16 * 1024;

export interface HttpLimits {
  /** Connections at once; further ones are closed at once. */
  connections: number;
  /** A request has to be complete after this time, ms. */
  request: number;
  /** A connection with nothing on it, between two requests, ms. */
  idle: number;
  /** A connection on which nothing moves while an answer is under way, ms. */
  stall: number;
}

const LIMITS: HttpLimits = { connections: 128, request: 10_000, idle: 10_000, stall: 60_000 };
/** How often it is looked for requests that take too long, at the most, ms. */
const CHECK_MS = 1000;

/** Only what this server itself serves is loaded by a page, and nobody frames it. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Without any referrer browsers send `Origin: null` with the login form, too.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** The URL of an address and a port. */
export function urlOf({ address, port }: Pick<HttpConfig, 'address' | 'port'>): string {
  return `http://${formatEndpoint(address, port)}/`;
}

export class HttpServer {
  private readonly config: HttpConfig;
  private readonly log: Logger;
  private readonly server: http.Server;
  private readonly auth: Auth;
  private readonly routes: RouteTable;
  private readonly limit = new RateLimit();
  private readonly counters: HttpCounters;

  constructor(
    config: HttpConfig,
    routes: readonly Route[],
    counters: HttpCounters,
    log: Logger,
    limits: HttpLimits = LIMITS,
  ) {
    this.config = config;
    this.counters = counters;
    this.log = log;
    this.auth = new Auth(config);
    this.routes = new RouteTable([...loginRoutes(this.auth, (request) => this.charge(request)), ...routes]);
    this.server = http.createServer(
      {
        maxHeaderSize: MAX_HEADER,
        headersTimeout: limits.request,
        requestTimeout: limits.request,
        keepAliveTimeout: limits.idle,
        connectionsCheckingInterval: Math.min(CHECK_MS, limits.request),
      },
      (request, response) => void this.answer(request, response),
    );
    this.server.maxConnections = limits.connections;
    this.server.timeout = limits.stall;
    this.server.on('drop', () => counters.refused++);
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      refuseConnection(error.code, socket as net.Socket);
    });
  }

  /** The port that is listened on, also when the configuration's is 0. */
  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** What is served: methods, paths and who may ask. */
  get served(): readonly Pick<Route, 'method' | 'path' | 'access'>[] {
    return this.routes.all;
  }

  /** Rejects with an Error for the user when the address cannot be listened on. */
  listen(): Promise<void> {
    const { address, port } = this.config;
    return new Promise((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(listenProblem(error, this.config))));
      this.server.listen({ host: address, port }, () => {
        this.server.removeAllListeners('error');
        this.server.on('error', (error) => this.log.error(`http: ${error.message}`));
        resolve();
      });
    });
  }

  /** Ends all connections, also those with an answer under way. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async answer(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.once('close', () => this.counters.answers.add(`${response.statusCode}`));
    // A reader that goes away in the middle of an answer is its own affair.
    response.on('error', () => response.destroy());
    try {
      const found = this.admit(raw, response);
      if (found !== undefined) await found.route.handle(found.request, response);
    } catch (error) {
      this.failed(raw, response, error as Error);
    }
  }

  /** The route, if the request may have it; else it has been answered. */
  private admit(raw: IncomingMessage, response: ServerResponse): { route: Route; request: HttpRequest } | undefined {
    if (!this.limit.take(clientOf(raw), now())) {
      response.setHeader('retry-after', '1');
      throw new HttpError(429, 'too many requests');
    }
    if (!this.auth.allowsHost(raw.headers.host)) {
      throw new HttpError(403, 'this name is not one of mine (http.hosts)');
    }
    const url = parseUrl(raw.url ?? '/');
    const found = this.routes.find(raw.method ?? 'GET', url.pathname);
    const access = 'route' in found ? found.route.access : 'token';
    // Before anything is said of the path: what there is, is not for everybody either.
    if (!this.auth.allows(access, raw)) return this.refuse(raw, response);
    if (!('route' in found)) throw notFound(found.allowed, response);
    const request = { path: url.pathname, rest: decode(found.rest), query: url.searchParams, raw };
    return { route: found.route, request };
  }

  private refuse(raw: IncomingMessage, response: ServerResponse): undefined {
    this.charge(raw);
    if (raw.method === 'GET' && (raw.headers.accept ?? '').includes('text/html')) {
      response.writeHead(303, { location: '/login', 'content-length': 0 });
      response.end();
      return;
    }
    response.setHeader('www-authenticate', 'Bearer');
    throw new HttpError(401, 'a token is needed (Authorization: Bearer)');
  }

  private charge(raw: IncomingMessage): void {
    this.limit.charge(clientOf(raw), now(), REFUSED_COST);
  }

  private failed(raw: IncomingMessage, response: ServerResponse, error: Error): void {
    const expected = error instanceof HttpError;
    if (!expected) this.log.error(`http: ${raw.method} ${JSON.stringify(raw.url)}: ${error.stack ?? error.message}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of a form will not be read.
    if (raw.method !== 'GET' && raw.method !== 'HEAD') response.setHeader('connection', 'close');
    sendError(response, expected ? error.status : 500, expected ? error.message : 'internal error');
  }
}

const clientOf = (raw: IncomingMessage): string => raw.socket.remoteAddress ?? '';

function parseUrl(text: string): URL {
  try {
    return new URL(text, 'http://router');
  } catch {
    throw new HttpError(400, 'this is no URL');
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, 'this is no URL');
  }
}

function notFound(allowed: readonly string[], response: ServerResponse): HttpError {
  if (allowed.length === 0) return new HttpError(404, 'there is nothing here');
  response.setHeader('allow', allowed.join(', '));
  return new HttpError(405, `only ${allowed.join(', ')}`);
}

const NOT_HTTP: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Something that is not HTTP, too much of it, or too slow. */
function refuseConnection(code: string | undefined, socket: net.Socket): void {
  const body = JSON.stringify({ error: 'this is no request that I understand' });
  const head = [
    `HTTP/1.1 ${NOT_HTTP[code ?? ''] ?? '400 Bad Request'}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${body.length}`,
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

function listenProblem(error: NodeJS.ErrnoException, config: HttpConfig): string {
  const place = `http: cannot listen on ${config.address} port ${config.port}`;
  if (error.code === 'EADDRINUSE') return `${place}: the port is in use (http.port)`;
  if (error.code === 'EADDRNOTAVAIL') return `${place}: this machine does not have the address (http.address)`;
  if (error.code === 'EACCES') return `${place}: permission denied`;
  return `${place}: ${error.message}`;
}
