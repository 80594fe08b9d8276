// RTM_GETLINK for a single interface, by index or by name.
import { IFINFOMSG_LENGTH, IFLA_ALT_IFNAME, IFLA_IFNAME } from '../../wire/netlink/constants.js';
import { AttributeCursor, NETLINK_HEADER, readU32, writeU16, writeU32 } from '../../wire/netlink/message.js';
import type { NetlinkWriter } from '../../wire/netlink/message.js';
import { formatText } from '../../wire/netlink/text.js';
import type { MirroredKernel } from './types.js';

/** Appends the interface that the request payload..end asks for; false when there is none. */
export function findLink(
  kernels: readonly MirroredKernel[],
  buf: Uint8Array,
  payload: number,
  end: number,
  seq: number,
  pid: number,
  writer: NetlinkWriter,
): boolean {
  if (end - payload < IFINFOMSG_LENGTH) return false;
  const index = readU32(buf, payload + 4);
  const name = nameIn(buf, payload, end);
  let found: Uint8Array | undefined;
  for (const kernel of kernels) {
    kernel.forEach('link', undefined, (message) => {
      const matches =
        index !== 0
          ? readU32(message, NETLINK_HEADER + 4) === index
          : name !== '' && nameIn(message, NETLINK_HEADER, message.length) === name;
      if (matches) found = message;
    });
  }
  if (found === undefined) return false;
  const at = writer.length;
  writer.bytes(found);
  writer.pad();
  writeU16(writer.buffer, at + 6, 0);
  writeU32(writer.buffer, at + 8, seq);
  writeU32(writer.buffer, at + 12, pid);
  return true;
}

function nameIn(buf: Uint8Array, payload: number, end: number): string {
  const cursor = new AttributeCursor();
  cursor.reset(buf, payload + IFINFOMSG_LENGTH, end);
  while (cursor.next()) {
    if (cursor.type === IFLA_IFNAME || cursor.type === IFLA_ALT_IFNAME)
      return formatText(buf, cursor.at, cursor.length);
  }
  return '';
}
