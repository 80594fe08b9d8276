// A whole UPDATE for people: what RFC 7606 makes of it, its prefixes, its attributes as they are in the message.
import { formatPrefix } from '../prefix-text.js';
import { AttributeCursor, attributeName, AttributeType } from './attributes.js';
import { describeAttributes } from './describe.js';
import { NlriCursor, parseUpdate, UpdateView } from './update.js';

export interface DescribedUpdate {
  /** `sound`, `treat-as-withdraw`, `reset`; what is wrong with it, otherwise empty. */
  verdict: string;
  reason: string;
  withdrawn: string[];
  announced: string[];
  /** In the order of the message; values that cannot be read are in hexadecimal. */
  attributes: { name: string; text: string }[];
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * Describes the UPDATE `message` (header included, AS numbers of 4 bytes, IPv4 and IPv6 unicast). At most `limit` prefixes of each kind.
 * Takes any bytes.
 */
export function describeUpdate(message: Uint8Array, limit = 1000): DescribedUpdate {
  const view = new UpdateView();
  const { kind, reason } = parseUpdate(message, 0, message.length, { as4: true, ebgp: true, families: 3 }, view);
  const described: DescribedUpdate = { verdict: kind, reason, withdrawn: [], announced: [], attributes: [] };
  const cursor = new NlriCursor();
  for (const section of view.sections.slice(0, view.sectionCount)) {
    const list = section.kind === 'announce' ? described.announced : described.withdrawn;
    cursor.reset(message, section.start, section.end, section.family);
    while (list.length < limit && cursor.next()) {
      // The message has no more bytes of it than it needs.
      const address = new Uint8Array(16);
      address.set(message.subarray(cursor.at, cursor.at + ((cursor.bits + 7) >> 3)));
      list.push(formatPrefix(section.family, address, 0, cursor.bits));
    }
  }
  described.attributes = attributesOf(message.subarray(view.attributesStart, view.attributesEnd));
  return described;
}

function attributesOf(bytes: Uint8Array): { name: string; text: string }[] {
  const cursor = new AttributeCursor();
  cursor.reset(bytes, 0, bytes.length);
  return describeAttributes(bytes).map(({ type, name, text }) => {
    const whole = cursor.next();
    // Elsewhere in the program the reduced form is meant: nothing but a next hop.
    if (whole && type === AttributeType.MP_REACH_NLRI) {
      return { name: attributeName(type), text: `0x${hex(bytes.subarray(cursor.valueStart, cursor.end))}` };
    }
    return { name, text };
  });
}
