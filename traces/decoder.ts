// Turns MRT records into what they say: this peer has this route (RIBs), this peer sent this UPDATE (update files). All formats end in the
// same two calls, with 4-byte AS paths in RIBs. Owns skipping and counting what is not read; what to do with a route is the handler's.
import { ByteWriter } from '../wire/byte-writer.js';
import { routeAttributesToAs4 } from '../wire/bgp/as4.js';
import { MessageType } from '../wire/bgp/message.js';
import type { Family } from '../wire/family.js';
import { Bgp4mpView, decodeBgp4mp, isBgp4mpSubtype } from '../wire/mrt/bgp4mp.js';
import type { MrtFramer } from '../wire/mrt/framer.js';
import { TableDumpView, decodeTableDump } from '../wire/mrt/table-dump.js';
import { RibView, decodePeerIndexTable, isUnicastRib } from '../wire/mrt/table-dump-v2.js';
import { MrtType, RibSubtype, recordTypeName, u16 } from '../wire/mrt/types.js';
import { PeerDirectory, type TracePeer } from './peers.js';

/** One route of a RIB; the buffers are valid during the call only. */
export interface RibRoute {
  family: Family;
  /** The prefix as NLRI: bytes nlriStart..nlriEnd of `nlri`. */
  nlri: Uint8Array;
  nlriStart: number;
  nlriEnd: number;
  /** Path attributes with 4-byte AS numbers; MP_REACH_NLRI holds the next hop in whatever form the collector wrote. */
  attributes: Uint8Array;
  attributesStart: number;
  attributesEnd: number;
}

export interface TraceHandler {
  /** False: records of this peer need not be decoded further. */
  wants(peer: TracePeer): boolean;
  route(peer: TracePeer, route: RibRoute): void;
  /** A BGP message of any type, header included: bytes start..end. `as4`: its AS_PATH has 4-byte numbers. */
  message(peer: TracePeer, buf: Uint8Array, start: number, end: number, as4: boolean): void;
  stateChange?(peer: TracePeer, oldState: number, newState: number): void;
}

/** How many records were not read, by what they are ("TABLE_DUMP_V2/RIB_IPV4_MULTICAST", or what is wrong with them). */
export type Skipped = Map<string, number>;

/** Decodes records one after the other. The peers seen so far are in `directory`; a decoder may read several files. */
export class TraceDecoder {
  readonly directory: PeerDirectory;
  readonly skipped: Skipped = new Map();
  readonly #handler: TraceHandler;
  #ribPeers: TracePeer[] = [];
  readonly #rib = new RibView();
  readonly #dump = new TableDumpView();
  readonly #session = new Bgp4mpView();
  readonly #as4 = new ByteWriter();
  readonly #nlri = new Uint8Array(17);
  readonly #route: RibRoute;

  constructor(handler: TraceHandler, directory = new PeerDirectory()) {
    this.#handler = handler;
    this.directory = directory;
    const none = new Uint8Array(0);
    const [nlriStart, nlriEnd, attributesStart, attributesEnd] = [0, 0, 0, 0];
    this.#route = { family: 0, nlri: none, nlriStart, nlriEnd, attributes: none, attributesStart, attributesEnd };
  }

  /** Decodes one record and calls the handler for each thing it says. */
  visit(record: MrtFramer): void {
    const { type, subtype } = record;
    if (type === MrtType.TABLE_DUMP_V2 && subtype === RibSubtype.PEER_INDEX_TABLE) this.#peerIndexTable(record);
    else if (type === MrtType.TABLE_DUMP_V2 && isUnicastRib(subtype)) this.#ribRecord(record);
    else if (type === MrtType.TABLE_DUMP && (subtype === 1 || subtype === 2)) this.#tableDump(record);
    else if ((type === MrtType.BGP4MP || type === MrtType.BGP4MP_ET) && isBgp4mpSubtype(subtype)) this.#bgp4mp(record);
    else this.#skip(recordTypeName(type, subtype));
  }

  #skip(what: string): void {
    this.skipped.set(what, (this.skipped.get(what) ?? 0) + 1);
  }

  #peerIndexTable(record: MrtFramer): void {
    const table = decodePeerIndexTable(record.buffer, record.start, record.end);
    if ('reason' in table) return this.#skip(`damaged: ${table.reason}`);
    const find = (address: Uint8Array, as: number) => this.directory.find(address, 0, address.length, as);
    this.#ribPeers = table.peers.map(({ address, as }) => find(address, as));
  }

  #ribRecord(record: MrtFramer): void {
    const rib = this.#rib;
    const route = this.#route;
    if (rib.open(record.buffer, record.start, record.end, record.subtype)) {
      route.family = rib.family;
      route.nlri = rib.buffer;
      route.nlriStart = rib.nlriStart;
      route.nlriEnd = rib.nlriEnd;
      route.attributes = rib.buffer;
      while (rib.next()) {
        const peer = this.#ribPeers[rib.peerIndex];
        if (peer === undefined) {
          this.#skip('damaged: RIB entry of a peer that is not in the PEER_INDEX_TABLE');
        } else if (this.#handler.wants(peer)) {
          route.attributesStart = rib.attributesStart;
          route.attributesEnd = rib.attributesEnd;
          this.#handler.route(peer, route);
        }
      }
    }
    if (rib.error !== undefined) this.#skip(`damaged: ${rib.error.reason}`);
  }

  #tableDump(record: MrtFramer): void {
    const dump = this.#dump;
    const error = decodeTableDump(record.buffer, record.start, record.end, record.subtype, dump);
    if (error !== undefined) return this.#skip(`damaged: ${error.reason}`);
    const peer = this.directory.find(record.buffer, dump.peerAddressAt, dump.addressLength, dump.peerAs);
    if (!this.#handler.wants(peer)) return;
    const bytes = (dump.bits + 7) >> 3;
    this.#nlri[0] = dump.bits;
    this.#nlri.set(record.buffer.subarray(dump.prefixAt, dump.prefixAt + bytes), 1);
    this.#as4.reset();
    routeAttributesToAs4(record.buffer, dump.attributesStart, dump.attributesEnd, this.#as4);
    const route = this.#route;
    route.family = dump.family;
    route.nlri = this.#nlri;
    route.nlriStart = 0;
    route.nlriEnd = 1 + bytes;
    route.attributes = this.#as4.buffer;
    route.attributesStart = 0;
    route.attributesEnd = this.#as4.length;
    this.#handler.route(peer, route);
  }

  #bgp4mp(record: MrtFramer): void {
    const session = this.#session;
    const { buffer } = record;
    const error = decodeBgp4mp(buffer, record.start, record.end, record.subtype, session);
    if (error !== undefined) return this.#skip(`damaged: ${error.reason}`);
    if (session.addPath) return this.#skip(recordTypeName(record.type, record.subtype));
    const { peerAddressAt, addressLength, peerAs } = session;
    const sentBy = session.local ? session.localAs : undefined;
    const peer = this.directory.find(buffer, peerAddressAt, addressLength, peerAs, sentBy);
    if (!this.#handler.wants(peer)) return;
    if (session.kind === 'state-change') {
      this.#handler.stateChange?.(peer, session.oldState, session.newState);
      return;
    }
    const { messageStart, messageEnd } = session;
    if (u16(buffer, messageStart + 16) !== messageEnd - messageStart) {
      return this.#skip('damaged: BGP message whose length is not that of its record');
    }
    this.#handler.message(peer, buffer, messageStart, messageEnd, session.as4);
  }
}

/** Whether the message (header checked by the decoder) is an UPDATE long enough to be read. */
export function isUpdate(buf: Uint8Array, start: number, end: number): boolean {
  return buf[start + 18] === MessageType.UPDATE && end - start >= 23;
}
