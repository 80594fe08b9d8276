// What each replica was over time, as spans: its states, when it dissented, when messages were withheld from it. Owns the spans and their
// bounds; the faults' own times are in the findings (`btr faults`).
import type { ReplicaStatus } from '../../status.js';

export interface Span {
  /** Milliseconds since 1970. */
  from: number;
  /** Null while it lasts. */
  to: number | null;
  /** The state; of dissents and quarantine the most ballots, or prefixes, at one time. */
  value: string | number;
}

/** The lanes of one replica, oldest span first. */
export interface ReplicaLanes {
  state: Span[];
  dissent: Span[];
  quarantine: Span[];
}

/** The last span of each lane; null where there was none yet. */
export type LatestSpans = Record<keyof ReplicaLanes, Span | null>;

/** Spans of one lane; the oldest give way. */
const MAX_SPANS = 500;
const KEPT_MS = 12 * 3_600_000;

export class Lanes {
  private readonly lanes = new Map<string, ReplicaLanes>();

  /** `at`: milliseconds since 1970. */
  update(replicas: readonly ReplicaStatus[], at: number): void {
    for (const { name, state, since, dissents, abstains } of replicas) {
      let lanes = this.lanes.get(name);
      if (lanes === undefined) this.lanes.set(name, (lanes = { state: [], dissent: [], quarantine: [] }));
      noteState(lanes.state, state, Math.min(Date.parse(since), at));
      noteCount(lanes.dissent, dissents, at);
      noteCount(lanes.quarantine, abstains.quarantined, at);
      for (const lane of Object.values(lanes) as Span[][]) prune(lane, at);
    }
  }

  report(): Record<string, ReplicaLanes> {
    return Object.fromEntries(this.lanes);
  }

  /** By replica. A lane gets at most one new span with each update: who knows all these knows everything. */
  latest(): Record<string, LatestSpans> {
    const last = (lane: Span[]): Span | null => lane.at(-1) ?? null;
    return Object.fromEntries(
      [...this.lanes].map(([name, { state, dissent, quarantine }]) => [
        name,
        { state: last(state), dissent: last(dissent), quarantine: last(quarantine) },
      ]),
    );
  }
}

function noteState(lane: Span[], value: string, since: number): void {
  const last = lane.at(-1);
  if (last !== undefined && last.value === value) return;
  // States between two looks were not seen: the one before is taken to have lasted.
  const from = Math.max(since, last?.from ?? since);
  if (last !== undefined) last.to = from;
  lane.push({ from, to: null, value });
}

function noteCount(lane: Span[], count: number, at: number): void {
  const last = lane.at(-1);
  const open = last !== undefined && last.to === null;
  if (count > 0 && open) last.value = Math.max(last.value as number, count);
  else if (count > 0) lane.push({ from: at, to: null, value: count });
  else if (open) last.to = at;
}

function prune(lane: Span[], at: number): void {
  let gone = Math.max(0, lane.length - MAX_SPANS);
  while (gone < lane.length && (lane[gone].to ?? at) < at - KEPT_MS) gone++;
  if (gone > 0) lane.splice(0, gone);
}
