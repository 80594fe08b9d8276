// What `btr quarantine` is told: the shapes, public like those of status.ts, and how an entry is put into them. Reads, changes nothing.
import type { QuarantineEntry } from '../../replicator/types.js';
import { describeUpdate, type DescribedUpdate } from '../../wire/bgp/describe-message.js';
import { wallClock } from '../clock.js';

/**
 * What is known from trials: `waiting` for one, `running`, `convicted`, `not-reproduced` (twice: it stays), `untried` (see `note`), `off`
 * (`quarantine.narrow: false`).
 */
export type TrialState = 'waiting' | 'running' | 'convicted' | 'not-reproduced' | 'untried' | 'off';

export interface QuarantineReport {
  id: number;
  replica: string;
  /** Address of the neighbour that sent it. */
  neighbor: string;
  trial: TrialState;
  /** What a disposable instance died of, or why there was no trial. */
  note: string | null;
  /** No trial speaks against it: it is given back after a while. */
  probation: boolean;
  /** What the replica died of. */
  cause: string;
  reason: string;
  /** ISO 8601: when it was quarantined, and when it came in. */
  at: string;
  received: string;
  length: number;
  prefixes: number;
  /** The first few of them. */
  sample: string[];
  /** Out of the current state, in our own encoding, rather than the neighbour's own message. */
  reencoded: boolean;
  /** Path of the MRT file that holds it. */
  file: string;
}

export interface QuarantineQuery {
  /** Name. */
  replica?: string;
  /** Only what withholds it now. */
  prefix?: string;
  limit?: number;
}

export interface QuarantineListing {
  /** The youngest first. */
  entries: QuarantineReport[];
  total: number;
  /** Of all replicas: entries that no trial speaks against. */
  onProbation: number;
  /** Prefixes on which more than one replica abstains, and on which all voters do. */
  shared: number;
  uncarried: number;
  replicas: {
    name: string;
    entries: number;
    /** Prefixes that it is not given now, and on which it abstains. */
    withheld: number;
    /** Entries that gave way to newer ones. */
    evicted: number;
    /** It gets its tables in small parts, because it died while too much was under way to suspect all of it. */
    careful: boolean;
  }[];
  trials: { running: string | null; waiting: number };
}

export interface QuarantineDetail extends QuarantineReport {
  hex: string;
  message: DescribedUpdate;
  /** Prefixes that are withheld because of it now; at most 100 of them. */
  withheld: string[];
  withheldTotal: number;
}

/** What the desk knows of an entry beside the replicator. */
export interface EntryNotes {
  cause: string;
  file: string;
  trial: TrialState;
  note: string | null;
  probation: boolean;
  /** When it is over, ms. */
  probationEnds?: number;
  /** How often it has killed without a proof. Default 1. */
  times?: number;
}

const SAMPLE = 3;

export function reportOf(
  entry: QuarantineEntry,
  notes: EntryNotes,
  names: { replica: string; neighbor: string },
): QuarantineReport {
  const { bytes, prefixes, time, state } = entry.suspect;
  const { cause, file, trial, note, probation } = notes;
  const { announced, withdrawn } = describeUpdate(bytes, SAMPLE);
  return {
    id: entry.id,
    ...names,
    trial,
    note,
    probation,
    cause,
    reason: entry.reason,
    at: wallClock(entry.at),
    received: wallClock(time),
    length: bytes.length,
    prefixes,
    sample: [...announced, ...withdrawn].slice(0, SAMPLE),
    reencoded: state,
    file,
  };
}
