// What a replica deletes while one of its processes is ending: zebra takes all of bgpd's routes back when bgpd is gone, and lives on for some
// milliseconds. That is its death and no vote, but the forwarding table's thread may read it before the main thread has heard of the death, and
// where the replica's word alone decides, routes would go. Owns keeping such words back until it is known whose they were.
import { RTM_DELROUTE } from '../../wire/netlink/constants.js';
import { anyEnding } from '../replicas/process-end.js';

/** Within this time the main thread has noticed the death, and forgets the replica; else it was none, and the words count, ms. */
const HOLD_MS = 1000;
/** Of one replica, bytes; one that says more meanwhile is started anew. */
const MAX_BYTES = 16 * 2 ** 20;

export interface LastWordsParts {
  /** Whether the replica's word alone can decide. */
  decides(replica: number): boolean;
  /** What was kept back counts after all. */
  hear(replica: number, fd: number, buf: Uint8Array, start: number, end: number): void;
  fault(replica: number, reason: string): void;
  anyEnding?: (pids: readonly number[]) => boolean;
}

interface Speaker {
  pids: readonly number[];
  /** What it says is kept back until then, ms; undefined while it is not. */
  until: number | undefined;
  kept: { fd: number; bytes: Uint8Array }[];
  size: number;
  /** It has been suspected once and did not die: some helper of it ends now and then. */
  trusted: boolean;
  /** The last portion for which its processes were looked at. */
  portion: number;
}

const MORE = `says more than ${MAX_BYTES >> 20} MiB to its kernel while one of its processes is ending`;

export class LastWords {
  private readonly parts: Required<LastWordsParts>;
  private readonly speakers: Speaker[];

  constructor(replicas: number, parts: LastWordsParts) {
    this.parts = { anyEnding, ...parts };
    this.speakers = Array.from({ length: replicas }, () => speaker([]));
  }

  /** A new life of the replica; what the one before has said is forgotten. */
  forget(replica: number): void {
    this.speakers[replica] = speaker([]);
  }

  /** The processes of this life. */
  runs(replica: number, pids: readonly number[]): void {
    this.speakers[replica].pids = pids;
  }

  /**
   * A datagram of a replica, out of a portion (by number) that was read at once. Returns true when it is kept back: the bytes are copied. A
   * process is on its way out before its connections close, so one look after the reading is enough for all that was read.
   */
  keeps(
    replica: number,
    fd: number,
    buf: Uint8Array,
    start: number,
    end: number,
    portion: number,
    now: number,
  ): boolean {
    const one = this.speakers[replica];
    if (one.until === undefined) {
      if (one.trusted || one.portion === portion || !this.parts.decides(replica)) return false;
      if (!deletesRoutes(buf, start, end)) return false;
      one.portion = portion;
      if (!this.parts.anyEnding(one.pids)) return false;
      one.until = now + HOLD_MS;
    }
    const before = one.size;
    one.size += end - start;
    if (one.size <= MAX_BYTES) one.kept.push({ fd, bytes: buf.slice(start, end) });
    else if (before <= MAX_BYTES) {
      one.kept = [];
      this.parts.fault(replica, MORE);
    }
    return true;
  }

  /** A socket is closed: what came over it can no longer be answered. */
  closed(replica: number, fd: number): void {
    const one = this.speakers[replica];
    one.kept = one.kept.filter((word) => word.fd !== fd);
  }

  /** From time to time: what was kept back of a replica that nobody has found dead counts. */
  tick(now: number): void {
    this.speakers.forEach((one, replica) => {
      if (one.until === undefined || now < one.until || one.size > MAX_BYTES) return;
      one.until = undefined;
      one.trusted = true;
      for (const { fd, bytes } of one.kept.splice(0)) this.parts.hear(replica, fd, bytes, 0, bytes.length);
    });
  }
}

function speaker(pids: readonly number[]): Speaker {
  return { pids, until: undefined, kept: [], size: 0, trusted: false, portion: -1 };
}

/** Whether one of the netlink messages of a datagram deletes a route. */
function deletesRoutes(buf: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at + 16 <= end;) {
    if ((buf[at + 4] | (buf[at + 5] << 8)) === RTM_DELROUTE) return true;
    const length = buf[at] | (buf[at + 1] << 8) | (buf[at + 2] << 16) | (buf[at + 3] << 24);
    if (length < 16) return false;
    at += (length + 3) & ~3;
  }
  return false;
}
