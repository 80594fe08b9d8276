// Who listens on a TCP port of this machine, out of /proc. Owns its formats; works for every user, but only root learns the names of others'
// processes.
import { isIP } from 'node:net';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

export interface Listener {
  /** As in /proc: numbers in the machine's order, so not to be shown. All zeros: any address. */
  any: boolean;
  address: string;
  port: number;
  inode: string;
}

export interface Owner {
  pid: number;
  name: string;
}

const LISTEN = '0A';

/** Sockets in state LISTEN out of the text of /proc/net/tcp or tcp6. */
export function parseListeners(text: string): Listener[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state !== LISTEN) return [];
      const [hex, port] = local.split(':');
      return [{ any: /^0+$/.test(hex), address: addressOf(hex), port: parseInt(port, 16), inode }];
    });
}

/** Words of 32 bits, each with its lowest byte first. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => parseInt(byte, 16)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] + bytes[2 * i + 1]).toLowerCase());
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** Who would be in the way of somebody who listens on `port` of `address`; `0.0.0.0` and `::` are any address. */
export function listenersOn(address: string, port: number): Listener[] {
  const file = isIP(address) === 6 ? 'tcp6' : 'tcp';
  const wantsAny = address === '0.0.0.0' || address === '::';
  let text: string;
  try {
    text = readFileSync(path.join('/proc/net', file), 'utf8');
  } catch {
    return [];
  }
  return parseListeners(text).filter((one) => one.port === port && (wantsAny || one.any || one.address === address));
}

/** Undefined when it is not to be seen: another user's, or in another namespace. */
export function ownerOf({ inode }: Pick<Listener, 'inode'>): Owner | undefined {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const held = readdirSync(`/proc/${pid}/fd`).some((fd) => isSocket(`/proc/${pid}/fd/${fd}`, inode));
      if (held) return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() };
    } catch {
      // It has ended, or is none of ours.
    }
  }
  return undefined;
}

function isSocket(link: string, inode: string): boolean {
  try {
    return readlinkSync(link) === `socket:[${inode}]`;
  } catch {
    return false;
  }
}
