// How far a replica has come (DESIGN section 6, "Probe"): which probe goes out when, what a returned probe proves, and when a
// replica counts as hung. Pure: times come in as arguments; sending and receiving belong to replica-port.ts.

export interface ProbeOptions {
  /** Shortest time between two probes while there is input to be digested, ms. */
  busyIntervalMs: number;
  /** Time between two probes of an idle replica, ms. */
  idleIntervalMs: number;
  /** A probe that is out for this long while the replica shows no other sign of life means it hangs, ms. */
  hangMs: number;
}

/** A replica's silence is excused for so many times `hangMs`: who gets no processor for longer cannot serve either. */
const MAX_EXCUSES = 5;

export class ProbeTracker {
  /** Everything that was delivered before this time has been worked off (ms); -Infinity before the first probe came back. */
  digestedUntil = -Infinity;
  /** How long the last probe took that came back, ms; 0 before the first one. */
  roundTrip = 0;
  private options: ProbeOptions;
  private sequence = 0;
  private sentAt = -Infinity;
  private outstanding = false;
  private lastLife = -Infinity;
  /** Of the silence since then, ms that are not the replica's fault. */
  private excused = 0;

  constructor(options: ProbeOptions) {
    this.options = options;
  }

  configure(options: ProbeOptions): void {
    this.options = options;
  }

  /** A new life of the replica: nothing is out, nothing is proven. The sequence goes on, so that an old echo never counts. */
  restart(now: number): void {
    this.outstanding = false;
    this.digestedUntil = -Infinity;
    this.roundTrip = 0;
    this.sentAt = -Infinity;
    this.life(now);
  }

  /** When the next probe should be sent, ms; Infinity while one is out. `busy`: input was delivered since the last one. */
  nextAt(busy: boolean): number {
    if (this.outstanding) return Infinity;
    return this.sentAt + (busy ? this.options.busyIntervalMs : this.options.idleIntervalMs);
  }

  /** Takes the number of the probe that is sent now (1 … 2^32-1; it travels as a MED). */
  send(now: number): number {
    this.sequence = this.sequence >= 0xffffffff ? 1 : this.sequence + 1;
    this.sentAt = now;
    this.outstanding = true;
    this.excused = 0;
    return this.sequence;
  }

  /** The number of the probe that was sent last. */
  get current(): number {
    return this.sequence;
  }

  /** A probe came back. Returns true when it is the one that is out. */
  returned(sequence: number, now: number): boolean {
    this.life(now);
    if (!this.outstanding || sequence !== this.sequence) return false;
    this.outstanding = false;
    this.roundTrip = now - this.sentAt;
    this.digestedUntil = this.sentAt;
    return true;
  }

  /** The replica read or wrote something: it is slow, perhaps, but it does not hang. */
  life(now: number): void {
    this.lastLife = now;
    this.excused = 0;
  }

  /** For the last `unseen` ms nobody could have read what it wrote: they do not count. */
  pardon(unseen: number, now: number): void {
    this.lastLife = Math.min(now, Math.max(this.sentAt, this.lastLife) + unseen);
  }

  /** In its present silence it was ready to go on for so many ms, and was given no processor. */
  excuse(waited: number): void {
    this.excused = Math.min(this.excused + waited, MAX_EXCUSES * this.options.hangMs);
  }

  /** How long a probe has been out without any sign of life, ms; 0 while none is out. */
  silence(now: number): number {
    return this.outstanding ? now - Math.max(this.sentAt, this.lastLife) : 0;
  }

  /** Whether a probe is out. */
  get isOut(): boolean {
    return this.outstanding;
  }

  /** How long the probe that is out has been out, ms; 0 when none is. */
  lag(now: number): number {
    return this.outstanding ? now - this.sentAt : 0;
  }

  /** The threshold, ms. */
  get hangMs(): number {
    return this.options.hangMs;
  }

  isHung(now: number): boolean {
    return this.silence(now) - this.excused > this.options.hangMs;
  }
}
