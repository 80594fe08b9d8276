// The words of recovery: the phases of a replica's life, what can be asked to be done about it, and what the planner has to know of the
// configuration. No behaviour.

/**
 * `off`: does not run and is not needed (a cold standby); `starting`: its daemon comes up; `syncing`: runs, but what it says is not all
 * it has to say yet; `standby`: synchronised, without a vote; `voting`; `ending`: killed or told to end, its processes are not gone yet;
 * `backoff`: gone, waits to be started again; `retired`: gone, and left alone for long or until the operator says otherwise.
 */
export const REPLICA_PHASES = [
  'off',
  'starting',
  'syncing',
  'standby',
  'voting',
  'ending',
  'backoff',
  'retired',
] as const;
export type ReplicaPhase = (typeof REPLICA_PHASES)[number];

export type StandbyKind = 'no' | 'warm' | 'cold';

/** What is to be done, in this order. Whoever carries it out tells the planner what came of it, later: never in between. */
export type RecoveryEffect =
  | { do: 'start'; replica: number }
  /** Ends it at once (SIGKILL), its sessions first. */
  | { do: 'kill'; replica: number; reason: string }
  /** Ends it in order: nothing is wrong with it. */
  | { do: 'stop'; replica: number; reason: string }
  /** It has a vote from now on. */
  | { do: 'join'; replica: number }
  | { do: 'leave'; replica: number; reason: string }
  /** It abstains on the prefixes on which it dissents now. */
  | { do: 'mute'; replica: number }
  /** It has its say on all muted prefixes again. */
  | { do: 'unmute'; replica: number }
  | RecoveryNotice;

/** For the log and the vote log. `restarting`: after `delay` ms. */
export interface RecoveryNotice {
  do: 'tell';
  replica: number;
  what: 'restarting' | 'retired' | 'repair' | 'reported' | 'spared' | 'early-warning' | 'operator';
  level: 'info' | 'warn' | 'error';
  text: string;
  /** Ms. */
  delay?: number;
}

/** Dissent of one replica that has outlived the fault threshold and that nothing explains. */
export interface LastingDissent {
  /** Ballots. */
  count: number;
  /** For people: what it does on which prefixes. */
  text: string;
}

/** All durations in ms; see RecoveryConfig. */
export interface RecoveryOptions {
  restartDelay: number;
  longestRestartDelay: number;
  forgiveAfter: number;
  maxRestarts: number;
  restartWindow: number;
  retireFor: number;
  fewPrefixes: number;
  muteFew: boolean;
  failBack: boolean;
}

export interface PlannerOptions extends RecoveryOptions {
  /** By replica, in the order in which they are preferred. Those that are no standby are the seats. */
  replicas: readonly { name: string; standby: StandbyKind }[];
  /** Below so many voters nobody is restarted for a mere warning. */
  quorum: number;
  /** What the restart of replica `r` waits in addition, ms. */
  extraDelay?: (r: number) => number;
}

/** What there is to say about one replica. */
export interface ReplicaLife {
  phase: ReplicaPhase;
  /** When the phase began, ms. */
  since: number;
  /** When it will be started, ms; Infinity when nothing is planned. */
  nextStart: number;
  /** Starts after the first one. */
  restarts: number;
  /** Why it does not vote, or last did not; null when there is nothing to say. */
  reason: string | null;
}
