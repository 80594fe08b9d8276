// Turns what one neighbour's voter reports into lines of the vote log: spelled out while they are few, grouped when they are many, so
// that half a table in dispute does not cost more than the voting. Owns the mapping; the events are voter/types.ts.
import type { VoterEvent } from '../voter/types.js';
import type { UpdateVoter } from '../voter/update-voter.js';
import type { RouterContext } from './context.js';
import { ballotRecord, groupRecord, namesOf, plainRecord } from './vote-records.js';

/** Events of one turn that get a line each; more of them share lines, one for each (kind, replica, rule). */
const SPELLED_OUT = 100;

export class VoterJournal {
  private readonly context: RouterContext;
  private readonly index: number;
  private readonly neighbor: string;

  constructor(context: RouterContext, index: number) {
    this.context = context;
    this.index = index;
    this.neighbor = context.config.neighbors[index].address;
  }

  /** Writes down everything that has happened since the last call, and tells who looks for faults. */
  record(voter: UpdateVoter, now: number): void {
    const events = voter.drainEvents();
    this.context.faults.voted(this.index, voter, events, now);
    this.context.meters.voterEvents(this.index, events);
    if (events.length <= SPELLED_OUT) {
      for (const event of events) this.context.voteLog.append(this.line(event));
      return;
    }
    for (const group of this.groups(events)) this.context.voteLog.append(group);
  }

  private groups(events: readonly VoterEvent[]): string[] {
    const groups = new Map<string, { first: VoterEvent; fields: Record<string, unknown>; prefixes: number[] }>();
    for (const event of events) {
      const fields = this.groupFields(event);
      const key = `${event.type} ${Object.values(fields).join(' ')}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { first: event, fields, prefixes: [event.prefix] });
      else group.prefixes.push(event.prefix);
    }
    return [...groups.values()].map(({ first, fields, prefixes }) =>
      groupRecord(this.context.records, first.at, first.type, { neighbor: this.neighbor, ...fields }, prefixes),
    );
  }

  /** What the events of one group have in common. */
  private groupFields(event: VoterEvent): Record<string, unknown> {
    const { replicas } = this.context.records;
    switch (event.type) {
      case 'dissent-begins':
      case 'dissent-ends':
        return { replica: replicas[event.replica], what: event.kind };
      case 'verdict':
        return { rule: event.rule, agree: namesOf(event.agree, replicas) };
      case 'overthrow':
        return { from: replicas[event.from], to: replicas[event.to] };
      default:
        return {};
    }
  }

  private line(event: VoterEvent): string {
    const { records } = this.context;
    const names = (mask: number): string[] => namesOf(mask, records.replicas);
    const base = { kind: event.type, neighbor: this.neighbor, prefix: event.prefix };
    switch (event.type) {
      case 'dissent-begins':
      case 'dissent-ends': {
        const { replica, vote } = event;
        return ballotRecord(records, event.at, { ...base, replica, what: event.kind, verdict: event.majority, vote });
      }
      case 'verdict':
        return ballotRecord(records, event.at, {
          ...base,
          rule: event.rule,
          agree: names(event.agree),
          verdict: event.to,
        });
      case 'overthrow': {
        const { from, to, changed } = event;
        const prefix = records.prefixes.format(event.prefix);
        return plainRecord(event.at, event.type, {
          neighbor: this.neighbor,
          prefix,
          from: records.replicas[from],
          to: records.replicas[to],
          changed,
        });
      }
      case 'no-majority':
        return plainRecord(event.at, event.type, {
          neighbor: this.neighbor,
          prefix: records.prefixes.format(event.prefix),
          voters: names(event.voters),
        });
      default:
        return plainRecord(event.at, event.type, {
          neighbor: this.neighbor,
          prefix: records.prefixes.format(event.prefix),
          replicas: names(event.replicas),
        });
    }
  }
}
