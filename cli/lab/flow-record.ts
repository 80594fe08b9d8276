// The books of a packet flow: which numbered packets were sent when, which came back, and how long the longest silence was.
// Pure bookkeeping; sockets and clocks are packet-end.ts.

/** A run of packets none of which came back. */
export interface Outage {
  /** When the first of them was sent, ms after the count began. */
  atMs: number;
  packets: number;
  /** From the last packet before that came back to the first after that did, by the times they were sent. */
  lastedMs: number;
}

export interface FlowReport {
  sent: number;
  received: number;
  /** Sent long enough ago to be back, and not back. */
  lost: number;
  /** Still on their way. */
  inFlight: number;
  duplicates: number;
  /** Longest outage, ms; 0 when nothing was lost. */
  longestGapMs: number;
  /** How many of the latest packets that should be back are back without a hole. */
  unbroken: number;
  /** The first outages, for error messages. */
  outages: Outage[];
}

const MOST_OUTAGES = 20;

export class FlowRecord {
  #times = new Float64Array(4096);
  #back = new Uint8Array(4096);
  #sent = 0;
  /** Number of the first packet that counts. */
  #from = 0;
  #duplicates = 0;
  readonly #fromStart: number;

  /** Times are ms of any clock, the same in all calls. */
  constructor(now: number) {
    this.#fromStart = now;
  }

  /** Takes note of a packet; returns its number. */
  sent(now: number): number {
    if (this.#sent === this.#times.length) this.#grow();
    this.#times[this.#sent] = now;
    return this.#sent++;
  }

  /** A packet came back. */
  received(number: number): void {
    if (number < this.#from || number >= this.#sent) return;
    if (this.#back[number] === 1) this.#duplicates++;
    this.#back[number] = 1;
  }

  /** Counts from the next packet on; what was before is forgotten. */
  begin(): void {
    this.#from = this.#sent;
    this.#duplicates = 0;
  }

  /** `patienceMs`: packets younger than this may still come back. */
  report(now: number, patienceMs: number): FlowReport {
    const due = this.#due(now - patienceMs);
    const startMs = this.#from > 0 ? this.#times[this.#from]! : this.#fromStart;
    let [received, unbroken, lastBackMs] = [0, 0, startMs];
    let open: Outage | undefined;
    const outages: Outage[] = [];
    for (let number = this.#from; number < this.#sent; number++) {
      if (this.#back[number] === 1) {
        received++;
        unbroken++;
        if (open) open.lastedMs = this.#times[number]! - lastBackMs;
        open = undefined;
        lastBackMs = this.#times[number]!;
      } else if (number < due) {
        unbroken = 0;
        if (!open) outages.push((open = { atMs: this.#times[number]! - startMs, packets: 0, lastedMs: 0 }));
        open.packets++;
        open.lastedMs = this.#times[number]! - lastBackMs;
      }
    }
    const lost = outages.reduce((sum, { packets }) => sum + packets, 0);
    return {
      sent: this.#sent - this.#from,
      received,
      lost,
      inFlight: this.#sent - this.#from - received - lost,
      duplicates: this.#duplicates,
      longestGapMs: outages.reduce((longest, { lastedMs }) => Math.max(longest, lastedMs), 0),
      unbroken,
      outages: outages.slice(0, MOST_OUTAGES),
    };
  }

  /** Number of the first packet sent after this moment. */
  #due(before: number): number {
    let due = this.#sent;
    while (due > this.#from && this.#times[due - 1]! > before) due--;
    return due;
  }

  #grow(): void {
    const [times, back] = [new Float64Array(2 * this.#sent), new Uint8Array(2 * this.#sent)];
    times.set(this.#times);
    back.set(this.#back);
    [this.#times, this.#back] = [times, back];
  }
}
