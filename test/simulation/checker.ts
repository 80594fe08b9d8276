// What a checker can look at, and when it is asked. Each returns what is wrong, or undefined.
import type { VoterEvent } from '../../voter/types.js';
import type { World } from './world.js';

export interface Checker {
  /** For the report, and for the proof that it can fail. */
  readonly name: string;
  /** After a vote or a tick: the verdict of one ballot has changed. */
  onVerdict?(world: World, n: number, prefix: number): string | undefined;
  /** The voter of neighbour `n` reports something. */
  onEvent?(world: World, n: number, event: VoterEvent): string | undefined;
  /** A neighbour has been sent a route (0: a withdrawal). */
  onEmission?(world: World, n: number, prefix: number, route: number): string | undefined;
  /** After every step of the simulation. */
  onStep?(world: World): string | undefined;
  /** A replica has just left the electorate: `before` are all verdicts from before that. */
  onDeparture?(world: World, r: number, before: readonly number[]): string | undefined;
  /** At the end, after a long rest. */
  atRest?(world: World): string | undefined;
}
