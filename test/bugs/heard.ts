// What a listener makes of BGP messages by the book: every UPDATE is parsed strictly, each announcement and withdrawal noted in order, and
// all that is not sound put down as malformed. Neighbours read the router with it, and the tests the corpus's own messages.
import { AttributeCursor, AttributeType, readU32, SegmentType } from '../../wire/bgp/attributes.js';
import { MessageFramer } from '../../wire/bgp/framing.js';
import { MessageType } from '../../wire/bgp/message.js';
import { NlriCursor, parseUpdate, UpdateView, type UpdateSection } from '../../wire/bgp/update.js';
import { ALL_FAMILIES, maxPrefixBits } from '../../wire/family.js';
import { formatAddress } from '../../wire/ip.js';
import { formatPrefix } from '../../wire/prefix-text.js';

export interface HeardRoute {
  /** AS numbers in order, sets in braces: `65000 65001 {1,2}`. */
  path: string;
  nextHop: string;
}

export interface HeardEvent {
  prefix: string;
  /** Undefined: withdrawn. */
  route: HeardRoute | undefined;
}

export interface ListenOptions {
  /** Four-octet AS numbers were agreed. */
  as4: boolean;
  /** Every path must begin with it. */
  peerAs?: number;
  /** All next hops that are right. */
  nextHops?: readonly string[];
}

export class Listener {
  readonly table = new Map<string, HeardRoute>();
  readonly events: HeardEvent[] = [];
  readonly malformed: string[] = [];
  private readonly view = new UpdateView();
  private readonly options: ListenOptions;

  constructor(options: ListenOptions) {
    this.options = options;
  }

  /** One UPDATE, header included. */
  update(message: Uint8Array): void {
    const { as4, peerAs } = this.options;
    const context = {
      ...{ as4, ebgp: true, families: ALL_FAMILIES },
      ...(peerAs === undefined ? {} : { neighborAs: peerAs }),
    };
    const verdict = parseUpdate(message, 0, message.length, context, this.view);
    if (verdict.reason !== '') this.malformed.push(`${verdict.kind}: ${verdict.reason}`);
    if (verdict.kind === 'reset') return;
    for (const section of this.view.sections.slice(0, this.view.sectionCount)) {
      const announced = section.kind === 'announce' && verdict.kind === 'sound';
      const route = announced ? this.route(message, section) : undefined;
      for (const prefix of prefixesOf(message, section)) this.note({ prefix, route });
    }
  }

  /** Whatever UPDATEs are in a write of whole messages; stops at bytes that are none. */
  stream(bytes: Uint8Array): void {
    const framer = new MessageFramer();
    framer.push(bytes);
    while (framer.next()) {
      if (framer.type === MessageType.UPDATE) this.update(framer.buffer.slice(framer.start, framer.end));
    }
  }

  private note(event: HeardEvent): void {
    this.events.push(event);
    if (event.route === undefined) this.table.delete(event.prefix);
    else this.table.set(event.prefix, event.route);
  }

  private route(message: Uint8Array, { mp }: UpdateSection): HeardRoute {
    const { view } = this;
    const hop = mp
      ? message.subarray(view.mpNextHopStart, Math.min(view.mpNextHopEnd, view.mpNextHopStart + 16))
      : valueOf(message, view, AttributeType.NEXT_HOP);
    const nextHop = hop === undefined ? 'none' : formatAddress(hop);
    const { nextHops } = this.options;
    if (nextHops && !nextHops.includes(nextHop)) this.malformed.push(`next hop ${nextHop}`);
    const path = valueOf(message, view, AttributeType.AS_PATH) ?? new Uint8Array(0);
    return { path: pathText(path, this.options.as4 ? 4 : 2), nextHop };
  }
}

function valueOf(message: Uint8Array, view: UpdateView, type: number): Uint8Array | undefined {
  const cursor = new AttributeCursor();
  cursor.reset(message, view.attributesStart, view.attributesEnd);
  while (cursor.next()) if (cursor.type === type) return message.subarray(cursor.valueStart, cursor.end);
  return undefined;
}

function* prefixesOf(message: Uint8Array, { start, end, family }: UpdateSection): Generator<string> {
  const cursor = new NlriCursor();
  cursor.reset(message, start, end, family);
  while (cursor.next()) {
    const address = new Uint8Array(maxPrefixBits(family) / 8);
    address.set(message.subarray(cursor.at, cursor.at + ((cursor.bits + 7) >> 3)));
    yield formatPrefix(family, address, 0, cursor.bits);
  }
}

/** A well-formed AS_PATH with AS numbers of `width` bytes as text. */
function pathText(value: Uint8Array, width: 2 | 4): string {
  const parts: string[] = [];
  for (let at = 0; at < value.length;) {
    const numbers: number[] = [];
    const end = at + 2 + value[at + 1] * width;
    for (let as = at + 2; as < end; as += width) {
      numbers.push(width === 4 ? readU32(value, as) : (value[as] << 8) | value[as + 1]);
    }
    if (value[at] === SegmentType.AS_SEQUENCE) parts.push(...numbers.map(String));
    else parts.push(`{${numbers.sort((a, b) => a - b).join(',')}}`);
    at = end;
  }
  return parts.join(' ');
}
