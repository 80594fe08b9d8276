// Routes without their destination, interned: what a dump repeats for each prefix, and what the key rules ask of a route. Owns rendering a
// route message's body and the facts about each body by id; which prefix has which body is own-routes.ts.
import type { AttributeTable } from '../../wire/attribute-table.js';
import { IPV4_UNICAST } from '../../wire/family.js';
import type { Family } from '../../wire/family.js';
import { RT_TABLE_MAIN, RTA_TABLE, RTM_NEWROUTE, RTMSG_LENGTH } from '../../wire/netlink/constants.js';
import { ATTRIBUTE_HEADER, NETLINK_HEADER, NetlinkWriter, writeU32 } from '../../wire/netlink/message.js';
import { HopCursor } from '../../wire/netlink/next-hop-set.js';
import { encodeRoute } from '../../wire/netlink/route.js';
import { REPLICA_TABLE } from '../replica-table.js';

/** Where a body leaves room for the destination: the address in RTA_DST, which stands first. */
export const DESTINATION_AT = RTMSG_LENGTH + ATTRIBUTE_HEADER;

/** A route as Linux keys and compares it. */
export interface RouteKey {
  family: Family;
  table: number;
  /** As stored: IPv6 has 1024 for a metric that was not given. */
  metric: number;
  tos: number;
  type: number;
  scope: number;
  protocol: number;
}

const INITIAL = 256;
const ZEROS = new Uint8Array(16);

/** An id is valid here only after this object interned it: the table is shared with others, the facts are not. */
export class RouteBodies {
  readonly table: AttributeTable;
  readonly hopTable: AttributeTable;
  private readonly writer = new NetlinkWriter(512);
  private readonly cursor = new HopCursor();
  private readonly header = { messageType: RTM_NEWROUTE, flags: 0, seq: 0, pid: 0 };
  private readonly fields = {
    family: IPV4_UNICAST as Family,
    dst: ZEROS,
    dstAt: 0,
    dstLen: 0,
    table: 0,
    protocol: 0,
    metric: 0,
  };
  private readonly extras = new Map<number, Uint8Array>();
  private hopIds = new Uint32Array(INITIAL);
  private tables = new Uint32Array(INITIAL);
  private metrics = new Uint32Array(INITIAL);
  private toses = new Uint8Array(INITIAL);
  private types = new Uint8Array(INITIAL);
  private scopes = new Uint8Array(INITIAL);
  private protocols = new Uint8Array(INITIAL);
  private gatewayed = new Uint8Array(INITIAL);

  constructor(table: AttributeTable, hopTable: AttributeTable) {
    this.table = table;
    this.hopTable = hopTable;
  }

  /**
   * The body of a route with this key and next-hop set; `extra` are attributes to be repeated as they are. 0 when the table is full or the
   * set does not go with the family.
   */
  intern(key: RouteKey, hops: number, extra?: Uint8Array): number {
    if (!this.render(key, this.hopTable.get(hops), extra)) return 0;
    const { buffer, length } = this.writer;
    const id = this.table.intern(buffer, NETLINK_HEADER, length);
    if (id === 0) return 0;
    this.note(id, key, hops);
    if (extra !== undefined) this.extras.set(id, extra);
    else if (this.extras.size > 0) this.extras.delete(id);
    return id;
  }

  /** The same route with other next hops; 0 when a table is full. */
  withHops(body: number, family: Family, hops: Uint8Array): number {
    const id = this.hopTable.intern(hops, 0, hops.length);
    return id === 0 ? 0 : this.intern(this.key(body, family), id, this.extras.get(body));
  }

  /** Everything about a body but its next hops. */
  key(body: number, family: Family): RouteKey {
    return {
      family,
      table: this.tables[body],
      metric: this.metrics[body],
      tos: this.toses[body],
      type: this.types[body],
      scope: this.scopes[body],
      protocol: this.protocols[body],
    };
  }

  /** Id of the next-hop set. */
  hops(body: number): number {
    return this.hopIds[body];
  }

  /** Table number (RTA_TABLE). */
  routingTable(body: number): number {
    return this.tables[body];
  }

  metric(body: number): number {
    return this.metrics[body];
  }

  tos(body: number): number {
    return this.toses[body];
  }

  type(body: number): number {
    return this.types[body];
  }

  scope(body: number): number {
    return this.scopes[body];
  }

  protocol(body: number): number {
    return this.protocols[body];
  }

  /** Whether a hop has a gateway: what IPv6 makes siblings of. */
  hasGateway(body: number): boolean {
    return this.gatewayed[body] !== 0;
  }

  /** Whether this object interned the id at some time. */
  knows(body: number): boolean {
    return body < this.hopIds.length && this.hopIds[body] !== 0;
  }

  /** A mark by id for those bodies that `which` says. */
  mark(which: (body: number) => boolean): Uint8Array {
    const marked = new Uint8Array(this.hopIds.length);
    for (let body = 1; body < marked.length; body++) {
      if (this.hopIds[body] !== 0 && this.hopTable.has(this.hopIds[body]) && which(body)) marked[body] = 1;
    }
    return marked;
  }

  /** Whether a hop goes out of the interface. */
  usesInterface(body: number, ifindex: number): boolean {
    this.cursor.reset(this.hopTable.get(this.hopIds[body]));
    while (this.cursor.next()) if (this.cursor.ifindex === ifindex) return true;
    return false;
  }

  /** Whether there are hops, and all of them go out of interfaces that `lost` says are lost. */
  isLost(body: number, lost: (ifindex: number) => boolean): boolean {
    let hops = 0;
    this.cursor.reset(this.hopTable.get(this.hopIds[body]));
    for (; this.cursor.next(); hops++) if (!lost(this.cursor.ifindex)) return false;
    return hops > 0;
  }

  /** Whether the main table forwards by it: a route for a type of service is not for everything. */
  isInMain(body: number): boolean {
    return this.tables[body] === RT_TABLE_MAIN && this.toses[body] === 0;
  }

  /** The next-hop set of a route that can be a vote, 0 for any other. */
  votedHops(body: number): number {
    const own = this.tables[body] === REPLICA_TABLE && this.toses[body] === 0;
    return own || this.isInMain(body) ? this.hopIds[body] : 0;
  }

  private render(key: RouteKey, hops: Uint8Array, extra: Uint8Array | undefined): boolean {
    const { writer, fields } = this;
    writer.reset();
    fields.family = key.family;
    // A full-length prefix makes room for any: the length is written when the route is dumped.
    fields.dstLen = key.family === IPV4_UNICAST ? 32 : 128;
    fields.table = key.table < 256 ? key.table : 0;
    fields.protocol = key.protocol;
    fields.metric = key.metric;
    if (!encodeRoute(writer, this.header, fields, hops, 0, hops.length)) return false;
    writer.attributeU32(RTA_TABLE, key.table);
    if (extra !== undefined) writer.bytes(extra);
    const { buffer } = writer;
    buffer[NETLINK_HEADER + 1] = 0;
    buffer[NETLINK_HEADER + 3] = key.tos;
    buffer[NETLINK_HEADER + 6] = key.scope;
    buffer[NETLINK_HEADER + 7] = key.type;
    writeU32(buffer, 0, writer.length);
    return true;
  }

  private note(id: number, key: RouteKey, hops: number): void {
    if (id >= this.hopIds.length) this.grow(id);
    this.hopIds[id] = hops;
    this.tables[id] = key.table;
    this.metrics[id] = key.metric;
    this.toses[id] = key.tos;
    this.types[id] = key.type;
    this.scopes[id] = key.scope;
    this.protocols[id] = key.protocol;
    this.cursor.reset(this.hopTable.get(hops));
    let gateway = 0;
    while (this.cursor.next()) if (this.cursor.gatewayLength !== 0) gateway = 1;
    this.gatewayed[id] = gateway;
  }

  private grow(id: number): void {
    const length = Math.max(id + 1, this.hopIds.length * 2);
    const words = (old: Uint32Array) => {
      const grown = new Uint32Array(length);
      grown.set(old);
      return grown;
    };
    const bytes = (old: Uint8Array) => {
      const grown = new Uint8Array(length);
      grown.set(old);
      return grown;
    };
    this.hopIds = words(this.hopIds);
    this.tables = words(this.tables);
    this.metrics = words(this.metrics);
    this.toses = bytes(this.toses);
    this.types = bytes(this.types);
    this.scopes = bytes(this.scopes);
    this.protocols = bytes(this.protocols);
    this.gatewayed = bytes(this.gatewayed);
  }
}
