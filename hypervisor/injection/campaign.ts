// A source of random faults: draws when the next one strikes and asks the desk to begin it. Owns one source's generator, clock and counts;
// the distribution is recovery/bug-model.ts.
import { nextBug, seededRandom, type Bug } from '../../recovery/bug-model.js';
import type { InjectionKind, InjectionRequest, PrefixChoice, RandomRequest } from './types.js';

/** Faults begun in one go; what is more strikes a tick later. */
const AT_ONCE = 16;

export class Campaign {
  readonly id: number;
  readonly request: RandomRequest;
  readonly since: number;
  struck = 0;
  /** Faults that could not begin: the replica was away, or had nothing to be wrong about. */
  missed = 0;
  readonly random: () => number;
  private next: Bug<InjectionKind>;
  private at: number;

  constructor(id: number, request: RandomRequest, now: number) {
    this.id = id;
    this.request = request;
    this.since = now;
    this.random = seededRandom(request.seed);
    this.next = nextBug(request, this.random);
    this.at = now + this.next.after;
  }

  get until(): number {
    return this.since + (this.request.duration ?? Infinity);
  }

  /** Calls `strike` for what is due. It throws when the fault cannot begin. */
  tick(now: number, strike: (request: InjectionRequest) => void): void {
    for (let left = AT_ONCE; left > 0 && this.at <= Math.min(now, this.until); left--) {
      const bug = this.next;
      this.next = nextBug(this.request, this.random);
      this.at += this.next.after;
      try {
        strike(this.fault(bug));
        this.struck++;
      } catch {
        this.missed++;
      }
    }
  }

  private fault({ replica, kind, duration }: Bug<InjectionKind>): InjectionRequest {
    const { where, sticky, delay } = this.request;
    return {
      replica,
      kind,
      where: kind === 'wrong-attribute' ? 'update' : where,
      prefixes: this.prefixes(kind),
      neighbor: undefined,
      duration,
      sticky,
      nextHop: undefined,
      med: undefined,
      delay,
      // As often as not it looks like a daemon's own death.
      signal: this.random() < 0.5 ? 'SIGSEGV' : 'SIGKILL',
      errno: 'ENOBUFS',
    };
  }

  private prefixes(kind: InjectionKind): PrefixChoice {
    if (kind === 'mute') return { how: 'all' };
    if (kind !== 'extra') return this.request.prefixes;
    // Of the range for benchmarks (RFC 2544), which nobody announces.
    const [a, b] = [18 + Math.floor(this.random() * 2), Math.floor(this.random() * 256)];
    return { how: 'named', prefixes: [`198.${a}.${b}.0/24`] };
  }
}
