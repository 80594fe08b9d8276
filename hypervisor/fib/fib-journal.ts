// What the FIB voter and the installer report, as lines of the vote log and of the hypervisor's log: spelled out while they are few,
// grouped when they are many. Owns the mapping; the events are voter/types.ts and fib/install-log.ts.
import type { FibEngine } from '../../fib/engine.js';
import type { InstallEvent } from '../../fib/install-log.js';
import { UNKNOWN_HOPS } from '../../fib/installer.js';
import { describeHops } from '../../fib/next-hops.js';
import type { VoterEvent } from '../../voter/types.js';
import { namesOf, plainRecord } from '../vote-records.js';
import { errnoName } from './reports.js';

/** Events of one turn that get a line each; more of them share one line for each kind. */
const SPELLED_OUT = 100;
/** Refusals that are also told in the hypervisor's log, per turn. */
const TOLD = 5;

/** Begins the kind of lines about the kernel. */
const INSTALL = 'fib-';

type Say = (level: 'error' | 'warn' | 'info', text: string) => void;

export class FibJournal {
  private readonly engine: FibEngine;
  private readonly replicas: readonly string[];
  private readonly refusal: (errno: number) => string | undefined;

  /** `refusal`: the kernel's own words for the last refusal with an errno. */
  constructor(engine: FibEngine, replicas: readonly string[], refusal: (errno: number) => string | undefined) {
    this.engine = engine;
    this.replicas = replicas;
    this.refusal = refusal;
  }

  /** Lines about what the voter has reported (`votes`), and about everything that has happened to routes since the last call. */
  lines(votes: readonly VoterEvent[], now: number, say: Say): string[] {
    const installs = this.engine.installer.drainEvents();
    this.tell(installs, say);
    return [
      ...this.grouped(votes, now, '', (event) => this.voteLine(event)),
      ...this.grouped(installs, now, INSTALL, (event) => this.installLine(event)),
    ];
  }

  private grouped<T extends { type: string }>(
    events: readonly T[],
    now: number,
    prefix: string,
    line: (event: T) => string,
  ): string[] {
    if (events.length <= SPELLED_OUT) return events.map(line);
    const counts = new Map<string, number>();
    for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
    return [...counts].map(([type, prefixes]) => plainRecord(now, prefix + type, { fib: true, prefixes }));
  }

  private voteLine(event: VoterEvent): string {
    const base = { fib: true, prefix: this.engine.prefixes.format(event.prefix) };
    switch (event.type) {
      case 'dissent-begins':
      case 'dissent-ends':
        return plainRecord(event.at, event.type, {
          ...base,
          replica: this.replicas[event.replica],
          what: event.kind,
          verdict: this.words(event.majority),
          vote: this.words(event.vote),
        });
      case 'verdict': {
        const agree = namesOf(event.agree, this.replicas);
        return plainRecord(event.at, event.type, { ...base, rule: event.rule, agree, verdict: this.words(event.to) });
      }
      case 'overthrow': {
        const [from, to] = [this.replicas[event.from], this.replicas[event.to]];
        return plainRecord(event.at, event.type, { ...base, from, to, changed: event.changed });
      }
      case 'no-majority':
        return plainRecord(event.at, event.type, { ...base, voters: namesOf(event.voters, this.replicas) });
      default:
        return plainRecord(event.at, event.type, { ...base, replicas: namesOf(event.replicas, this.replicas) });
    }
  }

  private installLine(event: InstallEvent): string {
    const base = { prefix: this.engine.prefixes.format(event.prefix), route: this.words(event.hops) };
    const kind = INSTALL + event.type;
    if (event.type === 'refused') return plainRecord(event.at, kind, { ...base, error: errnoName(event.errno) });
    if (event.type === 'interfered') return plainRecord(event.at, kind, { ...base, audit: event.audit });
    return plainRecord(event.at, kind, base);
  }

  private tell(events: readonly InstallEvent[], say: Say): void {
    const refused = events.filter((event) => event.type === 'refused');
    for (const event of refused.slice(0, TOLD)) say('warn', this.refusedText(event));
    if (refused.length > TOLD)
      say('warn', `the kernel refuses ${refused.length - TOLD} more routes (btr fib --state failing)`);
    const interfered = events.filter((event) => event.type === 'interfered').length;
    if (interfered > 0)
      say('warn', `${interfered} of our routes were changed or removed by somebody else; they are put right`);
  }

  private refusedText({ prefix, hops, errno }: InstallEvent & { type: 'refused' }): string {
    const words = this.refusal(errno);
    const why = errno === 17 ? 'another route with the same metric is in the way' : words;
    const what = hops === 0 ? 'removal' : `route ${this.words(hops)}`;
    const text = `the kernel refuses the ${what} for ${this.engine.prefixes.format(prefix)}: ${errnoName(errno)}`;
    return why === undefined ? text : `${text} (${why})`;
  }

  private words(hops: number): string | null {
    return hopsInWords(this.engine, hops);
  }
}

/** Next hops by id as `ip route` would say them; null for none. */
export function hopsInWords({ hops, mirror }: FibEngine, id: number): string | null {
  if (id === 0) return null;
  if (id === UNKNOWN_HOPS) return 'unknown';
  return describeHops(hops.get(id), (ifindex) => mirror.linkName(ifindex));
}
