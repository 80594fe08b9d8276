// The messages that go ahead of a probe. A daemon that reads ahead puts what it reads into queues, one for each session, and takes of them in
// turn (OpenBGPD one message of each, FRR ten), so a probe, alone in its queue, would overtake all that waits in the others. With as many
// messages in front of it as the longest of those may hold it comes last. Owns how many that are and what the probe proves then. Pure.

/** At most so many go ahead of one probe, some 27 bytes each; the next ones see to the rest, and nothing is proven until then. */
export const MAX_ESCORT = 65_536;

/** A session that the probe must not overtake. */
export interface Escorted {
  /** Messages that were handed to the replica on it so far, whatever its connection went through; never fewer than before. */
  readonly handed: number;
}

interface Account {
  /** So many have been taken out of the queue for certain. */
  taken: number;
  /** So many had been handed over when the probe that is out was sent. */
  before: number;
}

export class ProbeEscort {
  /** The probe that is out comes after all that had been handed over before it. */
  isWhole = true;
  private accounts = new Map<Escorted, Account>();
  private size = 0;

  /** A new life of the replica: its queues are empty, whatever had been handed to the one before. */
  restart(): void {
    this.accounts = new Map();
  }

  /** A probe is sent now: how many messages have to go ahead of it. */
  send(sessions: Iterable<Escorted>): number {
    const accounts = new Map<Escorted, Account>();
    let longest = 0;
    for (const session of sessions) {
      const taken = this.accounts.get(session)?.taken ?? 0;
      accounts.set(session, { taken, before: session.handed });
      longest = Math.max(longest, session.handed - taken);
    }
    // Sessions that are gone are forgotten.
    this.accounts = accounts;
    this.size = Math.min(longest, MAX_ESCORT);
    this.isWhole = this.size === longest;
    return this.size;
  }

  /** The probe is back, and behind its escort each of the queues has been emptied by as many. */
  returned(): void {
    for (const account of this.accounts.values()) {
      account.taken = Math.min(account.before, account.taken + this.size);
    }
  }
}
