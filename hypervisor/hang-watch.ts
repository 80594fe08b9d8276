// Whether the silence of a daemon that owes the answer to a probe means that it hangs: not while it is ready to run and is given no
// processor. Owns that judgement; how long it has been silent is probe-tracker.ts, what follows is for those who ask.
import type { ProbeTracker } from './probe-tracker.js';
import { longestWait, type Waits } from './replicas/processor-wait.js';

/** From this share of the hang threshold on it is watched whether a silent one is given a processor. */
const NOTICED = 0.1;

export class HangWatch {
  private readonly tracker: ProbeTracker;
  private readonly waits: (at: number) => Waits;
  /** How long it had waited for a processor when its silence was noticed, or last excused. */
  private waited: Waits | undefined;

  /** `waits`: how long its processes have waited for a processor. */
  constructor(tracker: ProbeTracker, waits: (at: number) => Waits) {
    this.tracker = tracker;
    this.waits = waits;
  }

  /** To be asked often, with the time in ms: several times within a tenth of the threshold. */
  isHung(at: number): boolean {
    const { tracker } = this;
    if (tracker.silence(at) < NOTICED * tracker.hangMs) {
      this.waited = undefined;
      return false;
    }
    this.waited ??= this.waits(at);
    if (!tracker.isHung(at)) return false;
    const waited = this.waits(at);
    tracker.excuse(longestWait(this.waited, waited));
    this.waited = waited;
    return tracker.isHung(at);
  }
}
