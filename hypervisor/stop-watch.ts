// Whether a process of a replica has been stopped by somebody for so long that it counts as hung. Its other processes may go on and show
// life: OpenBGPD without its parent answers for every next hop that it knows, and for no new one. Owns that judgement; silence is hang-watch.ts.

/** It is looked so many times within the threshold. */
const LOOKS = 10;

export class StopWatch {
  private readonly looksStopped: () => boolean;
  private nextLook = -Infinity;
  /** Since when it has been stopped at every look, ms; Infinity: it was not at the last one. */
  private since = Infinity;

  /** `looksStopped`: whether a process of it is stopped now. */
  constructor(looksStopped: () => boolean) {
    this.looksStopped = looksStopped;
  }

  /** It has been started: nothing is known of it. */
  restart(): void {
    this.since = Infinity;
  }

  /** To be asked often, with the time in ms; `threshold`: ms. */
  isStopped(at: number, threshold: number): boolean {
    if (at >= this.nextLook) {
      this.nextLook = at + threshold / LOOKS;
      this.since = this.looksStopped() ? Math.min(this.since, at) : Infinity;
    }
    return at - this.since >= threshold;
  }
}
