// Turns what one neighbour's voter reports into lines of the vote log. Owns the mapping; the events are voter/types.ts.
import type { VoterEvent } from '../voter/types.js';
import type { UpdateVoter } from '../voter/update-voter.js';
import type { RouterContext } from './context.js';
import { ballotRecord, namesOf, plainRecord } from './vote-records.js';

export class VoterJournal {
  private readonly context: RouterContext;
  private readonly neighbor: string;

  constructor(context: RouterContext, neighbor: string) {
    this.context = context;
    this.neighbor = neighbor;
  }

  /** Writes down everything that has happened since the last call. */
  record(voter: UpdateVoter): void {
    for (const event of voter.drainEvents()) this.context.voteLog.append(this.line(event));
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
