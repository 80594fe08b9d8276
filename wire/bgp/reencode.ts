// Writes parts of a parsed UPDATE as fresh messages: some of its families only, or with rewritten attributes. Owns the cutting where the result is
// longer than a message may be. For sessions that cannot take the neighbour's bytes as they are.
import { ByteWriter } from '../byte-writer.js';
import { afiOf, IPV4_UNICAST, safiOf } from '../family.js';
import { AttributeCursor, AttributeFlag, AttributeType } from './attributes.js';
import { beginMessage, endMessage, HEADER_LENGTH, MessageType } from './message.js';
import { extractRouteAttributes } from './route-attributes.js';
import type { UpdateSection, UpdateView } from './update-view.js';

export interface ReencodeOptions {
  /** Bitmask of the families to write. */
  families: number;
  maxMessageLength: number;
  /** Write announced prefixes as withdrawn: for a message judged treat-as-withdraw. */
  asWithdraw?: boolean;
  /** Appends what is to be sent in the place of the raw route attributes start..end. */
  rewrite?: (attrs: Uint8Array, start: number, end: number, out: ByteWriter) => void;
}

const FIXED = HEADER_LENGTH + 4;
const MP_REACH_FIXED = 4 + 5;
const MP_UNREACH_FIXED = 4 + 3;

const raw = new Uint8Array(65536);
const attributes = new ByteWriter();
const cursor = new AttributeCursor();

/**
 * Appends the sections of a message that was not judged `reset`, each as messages of its own, and returns how many. Attributes keep order and
 * flags. Prefixes whose attributes do not fit into a message are withdrawn: better no route than one without its attributes.
 */
export function reencodeUpdate(buf: Uint8Array, view: UpdateView, options: ReencodeOptions, out: ByteWriter): number {
  let messages = 0;
  for (let i = 0; i < view.sectionCount; i++) {
    const section = view.sections[i];
    if ((options.families & (1 << section.family)) === 0) continue;
    if (section.kind === 'withdraw' || options.asWithdraw) {
      messages += withdraw(buf, section, options.maxMessageLength, out);
      continue;
    }
    rewriteAttributes(buf, view, section.mp, options);
    const written = announce(buf, section, options.maxMessageLength, out);
    messages += written > 0 ? written : withdraw(buf, section, options.maxMessageLength, out);
  }
  return messages;
}

function rewriteAttributes(buf: Uint8Array, view: UpdateView, mp: boolean, { rewrite }: ReencodeOptions): void {
  attributes.reset();
  const end = extractRouteAttributes(buf, view, mp, raw, 0);
  if (rewrite) rewrite(raw, 0, end, attributes);
  else attributes.bytes(raw, 0, end);
}

function announce(buf: Uint8Array, section: UpdateSection, maxLength: number, out: ByteWriter): number {
  const classic = section.family === IPV4_UNICAST;
  const attrs = attributes.buffer;
  cursor.reset(attrs, 0, attributes.length);
  let found = false;
  while (!classic && !found && cursor.next()) found = cursor.type === AttributeType.MP_REACH_NLRI;
  const overhead = found ? MP_REACH_FIXED - (cursor.valueStart - cursor.start) : 0;
  const room = maxLength - FIXED - attributes.length - overhead;
  let messages = 0;
  for (let at = section.start; at < section.end; messages++) {
    const next = takePrefixes(buf, at, section.end, room);
    if (next === at) return 0;
    const message = beginMessage(out, MessageType.UPDATE);
    out.u16(0);
    const lengthAt = out.length;
    out.u16(0);
    if (found) {
      beginMp(
        AttributeType.MP_REACH_NLRI,
        section,
        MP_REACH_FIXED - 4 + cursor.end - cursor.valueStart + next - at,
        out,
      );
      out.u8(cursor.end - cursor.valueStart);
      out.bytes(attrs, cursor.valueStart, cursor.end);
      out.u8(0);
      out.bytes(buf, at, next);
      out.bytes(attrs, 0, cursor.start);
      out.bytes(attrs, cursor.end, attributes.length);
    } else {
      out.bytes(attrs, 0, attributes.length);
    }
    out.setU16(lengthAt, out.length - lengthAt - 2);
    if (!found) out.bytes(buf, at, next);
    endMessage(out, message);
    at = next;
  }
  return messages;
}

function withdraw(buf: Uint8Array, section: UpdateSection, maxLength: number, out: ByteWriter): number {
  const classic = section.family === IPV4_UNICAST;
  const room = maxLength - FIXED - (classic ? 0 : MP_UNREACH_FIXED);
  let messages = 0;
  for (let at = section.start; at < section.end; messages++) {
    const next = takePrefixes(buf, at, section.end, room);
    const message = beginMessage(out, MessageType.UPDATE);
    if (classic) {
      out.u16(next - at);
      out.bytes(buf, at, next);
      out.u16(0);
    } else {
      out.u16(0);
      out.u16(MP_UNREACH_FIXED + next - at);
      beginMp(AttributeType.MP_UNREACH_NLRI, section, MP_UNREACH_FIXED - 4 + next - at, out);
      out.bytes(buf, at, next);
    }
    endMessage(out, message);
    at = next;
  }
  return messages;
}

function beginMp(type: number, { family }: UpdateSection, length: number, out: ByteWriter): void {
  out.u8(AttributeFlag.OPTIONAL | AttributeFlag.EXTENDED_LENGTH);
  out.u8(type);
  out.u16(length);
  out.u16(afiOf(family));
  out.u8(safiOf(family));
}

/** The end of the prefixes from `at` on that fit into `room` bytes. */
function takePrefixes(buf: Uint8Array, at: number, end: number, room: number): number {
  let next = at;
  while (next < end) {
    const following = next + 1 + ((buf[next] + 7) >> 3);
    if (following - at > room) break;
    next = following;
  }
  return next;
}
