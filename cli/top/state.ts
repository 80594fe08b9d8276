// What `btr top` knows and what it shows of it. Owns the shapes; how keys change them is keys-to-state.ts, what they look like is layout.ts.
import type { FaultPattern } from '../../hypervisor/explain/types.js';
import type { BallotReport, RouterStatus } from '../../hypervisor/status.js';
import type { InjectionReport } from '../../hypervisor/injection/types.js';
import type { Rates } from './rates.js';

export const PANES = ['neighbors', 'replicas', 'ballots', 'findings'] as const;
export type Pane = (typeof PANES)[number];

/** What was learnt with one round of questions. */
export interface Picture {
  status: RouterStatus;
  /** Contested ballots: the first ones, and how many there are. */
  ballots: readonly BallotReport[];
  ballotsTotal: number;
  patterns: readonly FaultPattern[];
  injections: readonly InjectionReport[];
  /** Milliseconds since 1970. */
  at: number;
}

/** Something that is looked at closely; `key` is the key of its row. */
export interface Subject {
  pane: Pane;
  key: string;
}

export interface Detail {
  subject: Subject;
  title: string;
  /** Undefined until the answer is there. */
  lines: readonly string[] | undefined;
  /** First line on the screen. */
  top: number;
}

export interface TopState {
  picture: Picture | undefined;
  /** Undefined until two pictures of the same hypervisor are there. */
  rates: Rates | undefined;
  /** Why there is no connection; undefined while there is one. */
  lost: string | undefined;
  /** Ms between two pictures. */
  interval: number;
  paused: boolean;
  pane: Pane;
  /** Key of the chosen row; absent: the first one. */
  selected: Readonly<Partial<Record<Pane, string>>>;
  /** Rows have to contain it, in whatever case; empty: all. */
  filter: string;
  /** The filter is being typed. */
  typing: boolean;
  help: boolean;
  /** First line of the help on the screen. */
  helpTop: number;
  detail: Detail | undefined;
}

export function initialState(interval: number): TopState {
  return {
    picture: undefined,
    rates: undefined,
    lost: undefined,
    interval,
    paused: false,
    pane: 'neighbors',
    selected: {},
    filter: '',
    typing: false,
    help: false,
    helpTop: 0,
    detail: undefined,
  };
}
