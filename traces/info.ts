// What a trace file holds: peers, prefixes, times, kinds of records and the odd things in it. One pass, no routes kept (only which prefixes and
// peers there are). Printing it belongs to the command.
import { AttributeCursor, attributeName, AttributeType, SegmentType } from '../wire/bgp/attributes.js';
import { MessageType, messageTypeName } from '../wire/bgp/message.js';
import { NlriCursor, parseUpdate, UpdateView } from '../wire/bgp/update.js';
import { ALL_FAMILIES } from '../wire/family.js';
import { recordTypeName } from '../wire/mrt/types.js';
import { PrefixTable } from '../wire/prefix-table.js';
import { isUpdate, TraceDecoder, type RibRoute } from './decoder.js';
import { peerName, type TracePeer } from './peers.js';
import { readTrace, type ReadOptions } from './reader.js';

/** Thresholds above which a route is worth mentioning. */
const MANY_COMMUNITIES = 100;
const LONG_PATH = 40;

export interface PeerInfo extends TracePeer {
  /** Routes in RIBs, or prefixes announced in UPDATEs. */
  routesV4: number;
  routesV6: number;
  withdrawn: number;
  messages: number;
  stateChanges: number;
}

export interface OddThing {
  readonly what: string;
  count: number;
  /** Where it was seen first. */
  readonly example: string;
}

export interface TraceInfo {
  readonly file: string;
  records: number;
  /** Milliseconds since 1970; NaN without records. */
  first: number;
  last: number;
  readonly recordTypes: Record<string, number>;
  readonly skipped: Record<string, number>;
  /** BGP messages other than UPDATE, by name. */
  readonly otherMessages: Record<string, number>;
  /** Distinct prefixes. */
  prefixesV4: number;
  prefixesV6: number;
  /** Peers that say something, most routes first. */
  peers: PeerInfo[];
  odd: OddThing[];
}

const KNOWN = new Set<number>(Object.values(AttributeType));

/** Collects the numbers of one file. */
class InfoCollector {
  readonly peers = new Map<TracePeer, PeerInfo>();
  readonly odd = new Map<string, OddThing>();
  readonly otherMessages: Record<string, number> = {};
  readonly prefixes = [0, 0];
  readonly #table = new PrefixTable();
  readonly #attributes = new AttributeCursor();
  readonly #view = new UpdateView();
  readonly #cursor = new NlriCursor();

  wants(): boolean {
    return true;
  }

  route(peer: TracePeer, route: RibRoute): void {
    const { family, nlri, nlriStart } = route;
    const info = this.#peer(peer);
    if (family === 0) info.routesV4++;
    else info.routesV6++;
    const id = this.#count(family, nlri, nlriStart + 1, nlri[nlriStart]);
    this.#lookAt(route.attributes, route.attributesStart, route.attributesEnd, 4, peer, id);
  }

  message(peer: TracePeer, buf: Uint8Array, start: number, end: number, as4: boolean): void {
    const info = this.#peer(peer);
    info.messages++;
    if (!isUpdate(buf, start, end)) {
      const type = buf[start + 18];
      const name = type === MessageType.UPDATE ? 'UPDATE (cut short)' : messageTypeName(type);
      this.otherMessages[name] = (this.otherMessages[name] ?? 0) + 1;
      return;
    }
    const view = this.#view;
    const verdict = parseUpdate(buf, start, end, { as4, ebgp: false, families: ALL_FAMILIES }, view);
    if (verdict.kind !== 'sound') this.#note(`UPDATE to ${verdict.kind}: ${verdict.reason}`, peer, 0);
    if (verdict.kind === 'reset') return;
    let first = 0;
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i];
      this.#cursor.reset(buf, section.start, section.end, section.family);
      while (this.#cursor.next()) {
        const id = this.#count(section.family, buf, this.#cursor.at, this.#cursor.bits);
        first ||= id;
        if (section.kind === 'withdraw') info.withdrawn++;
        else if (section.family === 0) info.routesV4++;
        else info.routesV6++;
      }
    }
    this.#lookAt(buf, view.attributesStart, view.attributesEnd, as4 ? 4 : 2, peer, first);
  }

  stateChange(peer: TracePeer): void {
    this.#peer(peer).stateChanges++;
  }

  #peer(peer: TracePeer): PeerInfo {
    let info = this.peers.get(peer);
    if (info === undefined) {
      info = { ...peer, routesV4: 0, routesV6: 0, withdrawn: 0, messages: 0, stateChanges: 0 };
      this.peers.set(peer, info);
    }
    return info;
  }

  #count(family: 0 | 1, buf: Uint8Array, at: number, bits: number): number {
    const before = this.#table.size;
    const id = this.#table.intern(family, buf, at, bits);
    if (this.#table.size !== before) this.prefixes[family]++;
    return id;
  }

  #note(what: string, peer: TracePeer, prefix: number): void {
    const known = this.odd.get(what);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const where = prefix === 0 ? '' : `${this.#table.format(prefix)} `;
    this.odd.set(what, { what, count: 1, example: `${where}from ${peerName(peer)}` });
  }

  #lookAt(buf: Uint8Array, start: number, end: number, asWidth: number, peer: TracePeer, prefix: number): void {
    const cursor = this.#attributes;
    cursor.reset(buf, start, end);
    while (cursor.next()) {
      const length = cursor.end - cursor.valueStart;
      if (cursor.type === AttributeType.AS_PATH)
        this.#lookAtPath(buf, cursor.valueStart, cursor.end, asWidth, peer, prefix);
      else if (cursor.type === AttributeType.COMMUNITIES && length > 4 * MANY_COMMUNITIES) {
        this.#note(`more than ${MANY_COMMUNITIES} communities`, peer, prefix);
      } else if (cursor.type === AttributeType.AS4_PATH || cursor.type === AttributeType.AS4_AGGREGATOR) {
        this.#note(attributeName(cursor.type), peer, prefix);
      } else if (!KNOWN.has(cursor.type)) this.#note(`unknown attribute ${cursor.type}`, peer, prefix);
    }
    if (cursor.overrun) this.#note('attributes run past their field', peer, prefix);
  }

  #lookAtPath(buf: Uint8Array, start: number, end: number, asWidth: number, peer: TracePeer, prefix: number): void {
    let hops = 0;
    for (let at = start; at + 2 <= end; at += 2 + buf[at + 1] * asWidth) {
      const segment = buf[at];
      hops += segment === SegmentType.AS_SEQUENCE ? buf[at + 1] : 1;
      if (segment === SegmentType.AS_SET) this.#note('AS_SET in the path', peer, prefix);
      else if (segment !== SegmentType.AS_SEQUENCE) this.#note(`path segment of type ${segment}`, peer, prefix);
    }
    if (hops >= LONG_PATH) this.#note(`path of ${LONG_PATH} hops or more`, peer, prefix);
  }
}

/** Reads the whole file. Throws TraceError (see `partial` for what was whole before). */
export async function traceInfo(
  file: string,
  options: ReadOptions = {},
  partial: (info: TraceInfo) => void = () => undefined,
): Promise<TraceInfo> {
  const collector = new InfoCollector();
  const decoder = new TraceDecoder(collector);
  const types = new Map<number, number>();
  const info: TraceInfo = {
    file,
    records: 0,
    first: NaN,
    last: NaN,
    recordTypes: {},
    skipped: {},
    otherMessages: collector.otherMessages,
    prefixesV4: 0,
    prefixesV6: 0,
    peers: [],
    odd: [],
  };
  try {
    await readTrace(
      file,
      (record) => {
        const { time } = record;
        if (!(info.first <= time)) info.first = time;
        if (!(info.last >= time)) info.last = time;
        info.records++;
        const type = record.type * 65536 + record.subtype;
        types.set(type, (types.get(type) ?? 0) + 1);
        decoder.visit(record);
      },
      options,
    );
  } finally {
    for (const [type, count] of types) info.recordTypes[recordTypeName(Math.floor(type / 65536), type % 65536)] = count;
    for (const [what, count] of decoder.skipped) info.skipped[what] = count;
    [info.prefixesV4, info.prefixesV6] = collector.prefixes;
    const weight = (peer: PeerInfo) => peer.routesV4 + peer.routesV6 + peer.withdrawn;
    info.peers = [...collector.peers.values()].sort((a, b) => weight(b) - weight(a) || a.index - b.index);
    info.odd = [...collector.odd.values()].sort((a, b) => b.count - a.count);
    partial(info);
  }
  return info;
}
