// What a checker of recovery can look at, and when it is asked. Each returns what is wrong, or undefined.
import type { RecoveryEffect } from '../../../recovery/types.js';
import type { Suspect } from '../../../replicator/types.js';
import type { TrialVerdict } from '../../../recovery/narrowing.js';
import type { VoterEvent } from '../../../voter/types.js';
import type { Dose } from './poison.js';
import type { RecoveryWorld } from './world.js';

export interface RecoveryChecker {
  /** For the report, and for the proof that it can fail. */
  readonly name: string;
  /** After a vote or a tick: the verdict of one ballot has changed. */
  onVerdict?(world: RecoveryWorld, n: number, prefix: number): string | undefined;
  /** The voter of neighbour `n` reports something. */
  onEvent?(world: RecoveryWorld, n: number, event: VoterEvent): string | undefined;
  /** A neighbour has been sent a route (0: a withdrawal). */
  onEmission?(world: RecoveryWorld, n: number, prefix: number, route: number): string | undefined;
  /** After every step of the simulation. */
  onStep?(world: RecoveryWorld): string | undefined;
  /** After every tick of the router. */
  onTick?(world: RecoveryWorld): string | undefined;
  /** A replica has just joined or left the electorate: `before` are all verdicts from before that. */
  onElectorate?(world: RecoveryWorld, r: number, before: readonly number[]): string | undefined;
  /** The planner had this done. */
  onEffect?(world: RecoveryWorld, effect: RecoveryEffect): string | undefined;
  /** Replica `r` is delivered poison of a kind, deadly to it or not. */
  onDose?(world: RecoveryWorld, r: number, dose: Dose): string | undefined;
  /** It is noticed that replica `r` fails, and the reason is poison. */
  onDeath?(world: RecoveryWorld, r: number, dose: Dose): string | undefined;
  /** Something speaks against replica `r` that may have come of what it was given. */
  onAccusation?(world: RecoveryWorld, r: number): string | undefined;
  /** A trial is over, with this result for one message. */
  onJudgement?(
    world: RecoveryWorld,
    r: number,
    suspect: Suspect,
    verdict: TrialVerdict,
    released: boolean,
  ): string | undefined;
  /** A trial has shown what replica `r` died of at `diedAt`, ms. */
  onExplained?(world: RecoveryWorld, r: number, diedAt: number): string | undefined;
  /** At the end, after a long rest. */
  atRest?(world: RecoveryWorld): string | undefined;
}
