// What the HTTP server serves: the shape of a route, what a route is made with, and finding the route of a request. Owns these words; who
// may ask is auth.ts, how it is answered belongs to each route.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RouterContext } from '../context.js';
import type { Method } from '../control/server.js';
import type { HealthDesk } from '../health/health-desk.js';
import type { Logger } from '../logging.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { ReplicaPort } from '../replica-port.js';

/** `token`: who knows the token; `public`: everybody; `looking-glass`: everybody when `http.looking-glass` is true, else as `token`. */
export type Access = 'token' | 'public' | 'looking-glass';

export interface Route {
  /** A GET route answers HEAD too. */
  method: 'GET' | 'POST';
  /** A whole path, or one that ends in `/*`: everything below it. The longest that fits is taken. */
  path: string;
  access: Access;
  /** What it throws or rejects with is answered as an error (answers.ts), as long as nothing was sent. */
  handle(request: HttpRequest, response: ServerResponse): void | Promise<void>;
}

export interface HttpRequest {
  /** As in the URL: still percent-encoded, without the query. */
  path: string;
  /** What stands in the place of `*`, decoded; else empty. It may hold anything, also `..` and line breaks. */
  rest: string;
  query: URLSearchParams;
  raw: IncomingMessage;
}

/** What routes are made with. The ports are those of the running router: read, not changed. */
export interface HttpParts {
  context: RouterContext;
  /** What can be asked of the router: the table behind the control socket too. */
  methods: Record<string, Method>;
  log: Logger;
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
  health: HealthDesk;
}

/** Finds routes by path. */
export class RouteTable {
  readonly all: readonly Route[];
  private readonly exact = new Map<string, Route[]>();
  /** By prefix with its slash, the longest first. */
  private readonly below: [string, Route[]][] = [];

  constructor(routes: readonly Route[]) {
    this.all = routes;
    const below = new Map<string, Route[]>();
    for (const route of routes) {
      const [table, key] = route.path.endsWith('/*') ? [below, route.path.slice(0, -1)] : [this.exact, route.path];
      table.set(key, [...(table.get(key) ?? []), route]);
    }
    this.below = [...below].sort(([a], [b]) => b.length - a.length);
  }

  /** The route, or the methods that the path has (none: there is no such path). */
  find(method: string, path: string): { route: Route; rest: string } | { allowed: string[] } {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const [prefix, routes] = this.at(path);
    const route = routes.find((candidate) => candidate.method === wanted);
    if (route !== undefined) return { route, rest: path.slice(prefix.length) };
    return { allowed: routes.flatMap((one) => (one.method === 'GET' ? ['GET', 'HEAD'] : [one.method])) };
  }

  private at(path: string): [string, readonly Route[]] {
    const exact = this.exact.get(path);
    if (exact !== undefined) return [path, exact];
    return this.below.find(([prefix]) => path.startsWith(prefix)) ?? ['', []];
  }
}
