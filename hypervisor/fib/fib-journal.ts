// What the FIB voter and the installer report, as lines of the vote log and of the hypervisor's log: spelled out while they are few,
// grouped when they are many. Owns what votes mean in words here; ballots are written down by ballot-journal.ts, verdicts by
// decision-journal.ts, the events are voter/types.ts and fib/install-log.ts.
import type { VoteLogLevel } from '../../configs/model.js';
import type { FibEngine } from '../../fib/engine.js';
import type { InstallEvent } from '../../fib/install-log.js';
import { UNKNOWN_HOPS } from '../../fib/installer.js';
import { describeHops } from '../../fib/next-hops.js';
import { isWritten } from '../../votelog/levels.js';
import type { VoterEvent } from '../../voter/types.js';
import { BallotJournal, type BallotWords } from '../ballot-journal.js';
import { DecisionJournal } from '../decision-journal.js';
import { familyName } from '../../wire/family.js';
import { nlriByFamily, plainRecord } from '../vote-records.js';
import { errnoName } from './reports.js';

/** Events about routes in one turn that get a line each; more of them share one line for each kind. */
const SPELLED_OUT = 100;
/** Refusals that are also told in the hypervisor's log, per turn. */
const TOLD = 5;

/** Begins the kind of lines about the kernel. */
const INSTALL = 'fib-';

type Say = (level: 'error' | 'warn' | 'info', text: string) => void;

export interface FibJournalOptions {
  /** Replica names by index. */
  replicas: readonly string[];
  /** The kernel's own words for the last refusal with an errno. */
  refusal: (errno: number) => string | undefined;
  /** When something last came in for a prefix, ms; -Infinity for never. */
  lastInput: (prefix: number) => number;
}

export class FibJournal {
  /** Of the vote log; what it does not want is not made. */
  level: VoteLogLevel;
  private readonly engine: FibEngine;
  private readonly refusal: (errno: number) => string | undefined;
  private readonly ballots: BallotJournal;
  private readonly decisions: DecisionJournal;

  constructor(engine: FibEngine, level: VoteLogLevel, options: FibJournalOptions) {
    this.engine = engine;
    this.level = level;
    this.refusal = options.refusal;
    const words: BallotWords = {
      place: { fib: true },
      get strategy() {
        return engine.voter.strategy;
      },
      replicas: options.replicas,
      prefixes: engine.prefixes,
      route: (id) => this.words(id),
      attributes: (id) => (id === 0 ? null : { 'next hops': this.words(id) ?? '' }),
      raw: (id) => engine.hops.get(id),
      diff: (majority, vote) => [
        { attribute: 'next hops', left: this.words(majority) ?? '', right: this.words(vote) ?? '' },
      ],
      lastInput: options.lastInput,
    };
    this.ballots = new BallotJournal(words);
    this.decisions = new DecisionJournal(words);
  }

  /** Lines about the first `count` verdicts of `ids`, which go to the installer now; none below the level that has decisions. */
  decided(ids: Uint32Array, count: number, now: number): string[] {
    if (!isWritten('decision', this.level)) return [];
    return this.decisions.ungrouped(ids, count, this.engine.voter, now);
  }

  /** Lines about what the voter has reported (`votes`), and about everything that has happened to routes since the last call. */
  lines(votes: readonly VoterEvent[], say: Say): string[] {
    const installs = this.engine.installer.drainEvents();
    this.tell(installs, say);
    const written = votes.filter(({ type }) => isWritten(type, this.level));
    return [...this.ballots.lines(written, this.engine.voter), ...this.installLines(installs)];
  }

  private installLines(events: readonly InstallEvent[]): string[] {
    if (events.length <= SPELLED_OUT) return events.map((event) => this.installLine([event]));
    const groups = new Map<string, InstallEvent[]>();
    for (const event of events) {
      const key = `${event.type} ${'errno' in event ? event.errno : ''}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [event]);
      else group.push(event);
    }
    return [...groups.values()].map((group) => this.installLine(group));
  }

  /** About events of one kind (and errno); of a group the first one's route is told. */
  private installLine(events: readonly InstallEvent[]): string {
    const [event] = events;
    const { prefixes } = this.engine;
    const fields: Record<string, unknown> = { fib: true };
    const prefix = prefixes.format(event.prefix);
    const route = this.words(event.hops);
    if (event.type === 'refused') fields.error = errnoName(event.errno);
    if (event.type === 'interfered') fields.audit = event.audit;
    if (events.length === 1)
      Object.assign(fields, { family: familyName(prefixes.family(event.prefix)), prefix, route });
    else {
      const ids = Uint32Array.from(events, (one) => one.prefix);
      Object.assign(fields, { prefixes: ids.length, nlri: nlriByFamily(prefixes, ids), example: { prefix, route } });
    }
    return plainRecord(event.at, INSTALL + event.type, fields);
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
