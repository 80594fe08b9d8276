// What an operator has to know while it lasts: too few voters, no fault tolerated any more, ballots that nobody wins. Owns when an alarm
// begins and ends; `btr status`, the log and the vote log show it.
import { tolerates } from '../../recovery/tolerance.js';
import { wallClock } from '../clock.js';
import type { Alarm } from '../status.js';

/** The electorate as configured: replicas that are no standby, and what must agree. */
export interface AlarmLimits {
  seats: number;
  quorum: number;
  minVotes: number;
}

/** Ballots without a majority: towards the neighbours, and of the forwarding table. */
export interface Contested {
  towards: number;
  fib: number;
}

export interface AlarmChange extends Alarm {
  raised: boolean;
}

/** Until the router is complete for the first time, nothing is missing; but not for longer than this, ms. */
const START_UP_MS = 60_000;

export class Alarms {
  private limits: AlarmLimits;
  private readonly raised = new Map<Alarm['kind'], Alarm>();
  private armed = false;

  constructor(limits: AlarmLimits) {
    this.limits = limits;
  }

  configure(limits: AlarmLimits): void {
    this.limits = limits;
  }

  get list(): Alarm[] {
    return [...this.raised.values()];
  }

  /** Returns what has begun or ended since the last call; `at` in ms since the start. */
  check(voters: number, contested: Contested, at: number): AlarmChange[] {
    const { seats, quorum, minVotes } = this.limits;
    const tolerated = tolerates(voters, minVotes);
    this.armed ||= voters >= seats || at > START_UP_MS;
    if (!this.armed) return [];
    const who = `${voters} of ${seats} replicas vote`;
    const below = voters < quorum;
    return [
      this.set('quorum', below ? `${who}, fewer than the quorum of ${quorum}` : undefined, at),
      this.set(
        'tolerance',
        !below && tolerated === 0 && tolerates(seats, minVotes) > 0
          ? `${who}: if one of them errs, it cannot be outvoted`
          : undefined,
        at,
      ),
      this.set('no-majority', withoutMajority(contested), at),
    ].flatMap((change) => change ?? []);
  }

  private set(kind: Alarm['kind'], text: string | undefined, at: number): AlarmChange | undefined {
    const present = this.raised.get(kind);
    if (text === undefined) {
      this.raised.delete(kind);
      return present && { ...present, raised: false };
    }
    if (present !== undefined) {
      present.text = text;
      return undefined;
    }
    const alarm = { kind, text, since: wallClock(at) };
    this.raised.set(kind, alarm);
    return { ...alarm, raised: true };
  }
}

function withoutMajority({ towards, fib }: Contested): string | undefined {
  const places = [
    ...(towards > 0 ? [`${towards} towards neighbours`] : []),
    ...(fib > 0 ? [`${fib} of the forwarding table`] : []),
  ];
  return places.length === 0 ? undefined : `${towards + fib} ballots have no majority (${places.join(', ')})`;
}
