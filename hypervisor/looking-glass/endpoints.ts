// The looking glass: the paths of birdwatcher that Alice-LG asks, once for the voted view (/looking-glass/voted/…) and once for each replica
// (/looking-glass/NAME/…). Owns the paths; what the lists hold is views.ts, the sessions are protocols.ts (docs/http.md).
import type { ServerResponse } from 'node:http';
import { now } from '../clock.js';
import { HttpError, sendJson, sendPieces } from '../http/answers.js';
import { Gate } from '../http/gate.js';
import type { HttpParts, HttpRequest, Route } from '../http/routes.js';
import { VERSION } from '../router-status.js';
import { parsePrefix } from '../../wire/prefix-text.js';
import { AnswerCache, envelope } from './envelope.js';
import { birdProtocols, birdStatus, portsOf, protocolsOf, type Protocol } from './protocols.js';
import { birdTime, View, type BirdRoute, type ListOf } from './views.js';

const BASE = '/looking-glass';
const VOTED = 'voted';
/** The names that tables of BIRD usually have; any of them is the one table there is. */
const TABLES = ['master', 'master4', 'master6'];
/** Whole tables under way at once, sent or counted. */
const MAX_TABLES = 4;

/** Where in the looking glass a request is. */
interface Place {
  source: string;
  view: View;
  request: HttpRequest;
}

/** A path in segments; `:x` matches any, and is an argument. */
type Handler = (place: Place, args: string[], response: ServerResponse) => void | Promise<void>;

export class LookingGlass {
  private readonly parts: HttpParts;
  private readonly cache = new AnswerCache();
  private readonly gate = new Gate(MAX_TABLES, 'tables');
  private readonly paths: [string[], Handler][];

  constructor(parts: HttpParts) {
    this.parts = parts;
    const small = (make: (place: Place) => object | Promise<object>): Handler => {
      return (place, _, response) => this.small(place, response, () => make(place));
    };
    const listed = (lists: (args: string[]) => ListOf[]): Handler => {
      return ({ view }, args, response) => this.table(view, lists(args), response);
    };
    const counted = (lists: (args: string[]) => ListOf[]): Handler => {
      return (place, args, response) =>
        this.small(place, response, () =>
          this.gate.pass(response, async () => ({ routes: await place.view.count(lists(args)) })),
        );
    };
    const protocols = async ({ view }: Place): Promise<object> => ({ protocols: await birdProtocols(parts, view) });
    const lookup: Handler = ({ view }, [net, mask], response) => this.found(this.longest(view, net, mask), response);
    const inTable: Handler = ({ view }, [net], response) => this.found(this.longest(view, net, undefined), response);
    const shown = ([id]: string[]): ListOf[] => this.protocol(id, 'shown');
    const table = ([name]: string[]): ListOf[] => this.wholeTable(name);
    this.paths = Object.entries<Handler>({
      version: (_, __, response) => sendJson(response, VERSION),
      status: small(async ({ view }) => ({ status: await birdStatus(parts, view) })),
      protocols: small(protocols),
      'protocols/bgp': small(protocols),
      'protocols/short': small(() => this.short()),
      symbols: small(() => ({ symbols: { 'routing table': TABLES, protocol: this.ids() } })),
      'symbols/tables': small(() => ({ symbols: TABLES })),
      'symbols/protocols': small(() => ({ symbols: this.ids() })),
      'routes/protocol/:id': listed(shown),
      'routes/filtered/:id': listed(([id]) => this.protocol(id, 'filtered')),
      'routes/noexport/:id': listed(([id]) => this.protocol(id, 'held')),
      'routes/export/:id': listed(([id]) => this.protocol(id, 'shown').filter(({ list }) => list === 'sent')),
      'routes/peer/:peer': listed(([peer]) => this.peer(peer)),
      'routes/table/:table': listed(table),
      'routes/table/:table/filtered': listed(([name]) => this.wholeTable(name).slice(0, 0)),
      'routes/table/:table/peer/:peer': listed(([, peer]) => this.peer(peer)),
      'routes/count/protocol/:id': counted(shown),
      'routes/count/primary/:id': counted((args) => shown(args).filter(({ list }) => list === 'sent')),
      'routes/count/table/:table': counted(table),
      'routes/prefix': ({ view, request }, _, response) =>
        this.found(this.exact(view, request.query.get('prefix') ?? ''), response),
      'route/net/:net': lookup,
      'route/net/:net/table/:table': inTable,
      'route/net/:net/mask/:mask': lookup,
      'route/net/:net/mask/:mask/table/:table': lookup,
    }).map(([path, handler]) => [path.split('/'), handler]);
  }

  /** What there is below each source, `:x` for what varies. */
  get patterns(): readonly string[] {
    return this.paths.map(([pattern]) => pattern.join('/'));
  }

  routes(): Route[] {
    const common = { method: 'GET', access: 'looking-glass' } as const;
    return [
      { ...common, path: BASE, handle: (_, response) => sendJson(response, { sources: this.sources() }) },
      { ...common, path: `${BASE}/*`, handle: (request, response) => this.handle(request, response) },
    ];
  }

  /** Names of the sources: the voted view first. */
  private sources(): string[] {
    return [VOTED, ...this.parts.context.records.replicas.filter((name) => name !== VOTED)];
  }

  private handle(request: HttpRequest, response: ServerResponse): void | Promise<void> {
    const [source, ...path] = request.rest.split('/');
    const index = this.sources().indexOf(source);
    if (index < 0) throw new HttpError(404, `there is no such source; there are: ${this.sources().join(', ')}`);
    const { context } = this.parts;
    const view = new View(context, index === 0 ? undefined : context.records.replicas.indexOf(source));
    for (const [pattern, handler] of this.paths) {
      const args = match(pattern, path);
      if (args !== undefined) return handler({ source, view, request }, args, response);
    }
    throw new HttpError(404, 'the looking glass has nothing here');
  }

  /** Answers that are the same for everybody for a few seconds. */
  private async small(
    { source, request }: Place,
    response: ServerResponse,
    make: () => object | Promise<object>,
  ): Promise<void> {
    const fresh = request.query.get('uncached') === 'true';
    sendJson(response, await this.cache.get(`${source} ${request.rest}`, fresh, make));
  }

  /** A list that may have a million entries: it is made while it is sent, and not kept. */
  private table(view: View, lists: readonly ListOf[], response: ServerResponse): Promise<void> {
    return this.gate.pass(response, () =>
      sendPieces(response, 'application/json; charset=utf-8', enveloped(view.json(lists))),
    );
  }

  private found(routes: readonly BirdRoute[], response: ServerResponse): void {
    sendJson(response, { ...envelope(Date.now(), false), routes });
  }

  private protocol(id: string, list: 'shown' | 'filtered' | 'held'): ListOf[] {
    const protocol = protocolsOf(this.parts).find((one) => one.id === id);
    if (protocol === undefined) throw new HttpError(404, 'there is no such protocol');
    const name = protocol[list];
    return name === undefined ? [] : [{ port: protocol.port, list: name }];
  }

  /** What a neighbour is told, by its address. */
  private peer(address: string): ListOf[] {
    const port = portsOf(this.parts).find(({ config }) => config.address === address);
    if (port === undefined) throw new HttpError(404, 'there is no such neighbour');
    return [{ port, list: 'sent' }];
  }

  /** What all neighbours are told. */
  private wholeTable(name: string): ListOf[] {
    if (!TABLES.includes(name)) throw new HttpError(404, `there is no such table; there are: ${TABLES.join(', ')}`);
    return portsOf(this.parts).map((port) => ({ port, list: 'sent' }));
  }

  private everything(): ListOf[] {
    return protocolsOf(this.parts).map(({ port, shown }: Protocol) => ({ port, list: shown }));
  }

  private exact(view: View, text: string): BirdRoute[] {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new HttpError(400, 'prefix is a prefix (192.0.2.0/24)');
    const { prefixes } = this.parts.context.tables;
    return view.routesOf(this.everything(), prefixes.find(prefix.family, prefix.address, 0, prefix.bits));
  }

  /** The routes of the longest prefix that covers an address or a prefix, and has any. */
  private longest(view: View, net: string, mask: string | undefined): BirdRoute[] {
    const prefix = parsePrefix(mask === undefined ? net : `${net}/${mask}`);
    if (prefix === undefined) throw new HttpError(400, 'this is no address or prefix');
    const { prefixes } = this.parts.context.tables;
    const lists = this.everything();
    for (let { bits } = prefix; bits >= 0; bits--) {
      const routes = view.routesOf(lists, prefixes.find(prefix.family, prefix.address, 0, bits));
      if (routes.length > 0) return routes;
    }
    return [];
  }

  private short(): object {
    const protocols = protocolsOf(this.parts).map(({ id, port }) => {
      const { state } = port.status();
      const up = state === 'Established';
      const since = birdTime(up ? port.upSince : now());
      return [id, { proto: 'BGP', table: 'master', state: up ? 'up' : 'down', since, info: state }];
    });
    return { protocols: Object.fromEntries(protocols) as object };
  }

  private ids(): string[] {
    return protocolsOf(this.parts).map(({ id }) => id);
  }
}

function* enveloped(routes: Iterable<string>): Generator<string> {
  yield `${JSON.stringify(envelope(Date.now(), false)).slice(0, -1)},"routes":`;
  yield* routes;
  yield '}\n';
}

/** The arguments, when `path` is of that form. */
function match(pattern: readonly string[], path: readonly string[]): string[] | undefined {
  if (path.length !== pattern.length) return undefined;
  const args: string[] = [];
  for (const [i, word] of pattern.entries()) {
    if (word.startsWith(':')) args.push(path[i]);
    else if (word !== path[i]) return undefined;
  }
  return args;
}
