// Events for the vote log, kept until the edge drains them: bounded, and what did not fit is counted.
import type { VoterEvent } from './types.js';

export class EventLog {
  dropped = 0;
  private events: VoterEvent[] = [];
  private readonly maxEvents: number;

  constructor(maxEvents: number) {
    this.maxEvents = maxEvents;
  }

  add(event: VoterEvent): void {
    if (this.events.length < this.maxEvents) this.events.push(event);
    else this.dropped++;
  }

  /** What happened since the last call, oldest first. */
  drain(): VoterEvent[] {
    const { events } = this;
    if (events.length > 0) this.events = [];
    return events;
  }
}
