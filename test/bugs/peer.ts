// A neighbour of the corpus's set-up: connects, sends the OPEN it is given and whatever bytes follow, and reads all that it is told.
import { waitFor } from '../../cli/lab/wait.js';
import { isBgpError } from '../../wire/bgp/error.js';
import { CapabilityCode, hasCapability } from '../../wire/bgp/capabilities.js';
import { encodeKeepalive } from '../../wire/bgp/message.js';
import { decodeOpen } from '../../wire/bgp/open.js';
import { asOf, localAddress, ROUTER_AS } from '../support/router-lab.js';
import { RawPeer } from '../support/router-neighbors.js';
import { Listener, type HeardEvent, type HeardRoute } from './heard.js';

const DEADLINE_MS = 30_000;

/** The corpus has addresses of its own for IPv6; those for IPv4 are the lab's. */
export const corpusAddress6 = (n: number): string => `2001:db8:${n}::2`;
export const corpusLocalAddress6 = (n: number): string => `2001:db8:${n}::1`;

/** True when an OPEN offers four-octet AS numbers, or cannot be read at all. */
export function speaksAs4(open: Uint8Array): boolean {
  const decoded = decodeOpen(open, 0, open.length);
  return isBgpError(decoded) || hasCapability(decoded, CapabilityCode.FOUR_OCTET_AS);
}

export class CorpusPeer {
  readonly n: number;
  private readonly listener: Listener;
  private readonly raw: RawPeer;
  private digested = 0;

  private constructor(n: number, raw: RawPeer, open: Uint8Array) {
    this.n = n;
    this.raw = raw;
    this.listener = new Listener({
      as4: speaksAs4(open),
      peerAs: ROUTER_AS,
      nextHops: [localAddress(n), corpusLocalAddress6(n)],
    });
  }

  /** Connects as neighbour n, sends `open` and waits until the session is established or refused. */
  static async connect(n: number, open: Uint8Array): Promise<CorpusPeer> {
    const raw = await RawPeer.connect({ n, as: asOf(n) });
    raw.write(open);
    raw.write(encodeKeepalive());
    await waitFor(() => raw.established || raw.closed, {
      what: `session ${n} is established or refused`,
      deadlineMs: DEADLINE_MS,
      intervalMs: 10,
    });
    return new CorpusPeer(n, raw, open);
  }

  /** The same, tried until the session stands: a router may turn a neighbour away for a while that has just sent it nonsense. */
  static async establish(n: number, open: Uint8Array): Promise<CorpusPeer> {
    return waitFor(
      async () => {
        const peer = await CorpusPeer.connect(n, open);
        return peer.up && peer;
      },
      { what: `session ${n} is established`, deadlineMs: DEADLINE_MS, intervalMs: 200 },
    );
  }

  get up(): boolean {
    return this.raw.established && !this.raw.closed && this.raw.farewell === undefined;
  }

  /** How the session ended, as `Update Message Error/Missing Well-known Attribute`; undefined while it is up. */
  get end(): string | undefined {
    if (this.up) return undefined;
    return this.raw.farewell?.name ?? 'closed without NOTIFICATION';
  }

  /** What it holds now. */
  get table(): ReadonlyMap<string, HeardRoute> {
    this.digest();
    return this.listener.table;
  }

  /** Every announcement and withdrawal it has heard. */
  get events(): readonly HeardEvent[] {
    this.digest();
    return this.listener.events;
  }

  /** All that is wrong with what it was sent. */
  get malformed(): string[] {
    this.digest();
    const { framingError } = this.raw;
    return [...this.listener.malformed, ...(framingError === undefined ? [] : [framingError])];
  }

  send(bytes: Uint8Array): void {
    this.raw.write(bytes);
  }

  close(): void {
    this.raw.close();
  }

  private digest(): void {
    const { updates } = this.raw;
    for (; this.digested < updates.length; this.digested++) this.listener.update(updates[this.digested]);
  }
}
