// The words the voter shares with its callers: strategies, options, rules and events. No behaviour.

export type Strategy = 'wait-for-consensus' | 'continuous-majority' | 'master-slave';

export interface VoterOptions {
  /** A vote that has not changed for this long (ms), nor its input, may be stable. Default 1000. */
  stabilityThreshold?: number;
  /** A majority must have at least so many votes. Default 1. */
  minVotes?: number;
  /**
   * wait-for-consensus: how many members must say the same. Never taken as more than the members that do not abstain, nor as less
   * than their majority. Default: all of them.
   */
  k?: number;
  /**
   * Whose vote settles a ballot that has no majority although all its votes are stable, if this replica has a say there. Default: nobody's,
   * the verdict stays.
   */
  preferred?: number;
  /** How long (ms) a verdict stays when every member abstains; then they vote all the same. Default 120,000. */
  silence?: number;
  /** A ballot that found no rest for this many stability thresholds is reported as oscillating. Default 10. */
  oscillationThresholds?: number;
  /** Events kept until somebody drains them; further ones are counted and dropped. Default 65536. */
  maxEvents?: number;
}

/** Which rule set a verdict; `none` before the first one. */
export type Rule = 'none' | 'consensus' | 'majority' | 'master' | 'stable-majority' | 'overthrow' | 'preferred';
export const RULES: readonly Rule[] = [
  'none',
  'consensus',
  'majority',
  'master',
  'stable-majority',
  'overthrow',
  'preferred',
];

/** What a dissenting replica does: sends what the majority does not, says nothing where it should, or sends something else. */
export type DissentKind = 'extra' | 'missing' | 'different';

/** A replica's stable vote began or ceased to differ from the majority of stable votes. `vote` and `majority` are attribute ids. */
export interface DissentEvent {
  type: 'dissent-begins' | 'dissent-ends';
  prefix: number;
  replica: number;
  kind: DissentKind;
  vote: number;
  majority: number;
  /** When the vote took this value, ms. */
  since: number;
  at: number;
}

/** The verdict of a ballot that had been reported, or that was settled by stable votes, changed. */
export interface VerdictEvent {
  type: 'verdict';
  prefix: number;
  from: number;
  to: number;
  rule: Rule;
  /** Replicas that agree with the new verdict. */
  agree: number;
  at: number;
}

/** All votes are stable and no value has a majority: the verdict stays, or becomes that of the preferred replica. Once per contest. `voters`: who had a say. */
export interface NoMajorityEvent {
  type: 'no-majority';
  prefix: number;
  voters: number;
  at: number;
}

/** A ballot does not come to rest: fault finding on it is suspended. `replicas`: whose votes keep changing. */
export interface OscillationEvent {
  type: 'oscillation-begins' | 'oscillation-ends';
  prefix: number;
  replicas: number;
  /** When the ballot was last at rest, ms. */
  since: number;
  at: number;
}

/** master-slave: the stable majority on `prefix` differed from the master. `changed` verdicts followed the new master at once. */
export interface OverthrowEvent {
  type: 'overthrow';
  prefix: number;
  from: number;
  to: number;
  changed: number;
  at: number;
}

export type VoterEvent = DissentEvent | VerdictEvent | NoMajorityEvent | OscillationEvent | OverthrowEvent;

export interface VoterStats {
  /** Prefixes whose verdict is a route. */
  routes: number;
  /** Ballots on which a member that has a say disagrees with the verdict now. */
  contested: number;
  /** Ballots whose votes are all stable and have no majority. */
  withoutMajority: number;
  /** Ballots that do not come to rest. */
  oscillating: number;
  /** Ballots whose verdict waits to be emitted (an upper bound: some may have returned to what was advertised). */
  dirty: number;
  /** Per replica: prefixes for which it has a route. */
  present: number[];
  /** Per replica: ballots on which it is in dissent. */
  dissents: number[];
  eventsDropped: number;
}
