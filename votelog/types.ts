// The words of the vote log: its records, and what can be asked of it. Owns types only; the format is documented in docs/vote-log.md.

/** Attributes by name, as people read them; null for no route. */
export type Attributes = Record<string, string> | null;

/** What every line has. */
export interface RecordBase {
  /** Version of the schema. */
  v: 1;
  /** Wall clock, ISO 8601 with milliseconds. */
  t: string;
  /** Monotonic clock of the process that wrote it, ms since its start. */
  m: number;
  kind: string;
  /** Address; `fib: true` stands for the forwarding table. */
  neighbor?: string;
  fib?: true;
  family?: string;
  /** One prefix, or … */
  prefix?: string;
  /** … many: family to NLRI (RFC 4271 4.3) in hexadecimal, and their number in `prefixes`. */
  nlri?: Record<string, string>;
  prefixes?: number;
  replica?: string;
}

/** One line; which fields a kind has is in docs/vote-log.md. */
export type LogRecord = RecordBase & Record<string, unknown>;

/** How a prefix that is asked for relates to those of a record. */
export type PrefixMatch = 'exact' | 'covered' | 'covering';

/** What is wanted; all conditions must hold. */
export interface LogFilter {
  /** Canonical text, with length. */
  prefix?: string;
  /** Default `exact`. `covered`: the asked prefix and what lies in it; `covering`: it and what it lies in. */
  match?: PrefixMatch;
  replica?: string;
  /** Address, or `fib`. */
  neighbor?: string;
  /** In the AS path of some vote or of the verdict. */
  as?: number;
  kinds?: readonly string[];
  /** Milliseconds since 1970, both included. */
  from?: number;
  to?: number;
}

export interface LogQuery extends LogFilter {
  limit?: number;
  /** Default: the oldest first. */
  newestFirst?: boolean;
}

export type SummaryKey = 'replica' | 'prefix' | 'neighbor' | 'attribute' | 'hour' | 'kind';

export interface SummaryRow {
  key: string;
  records: number;
  /** Prefixes that these records are about, those of groups counted. */
  prefixes: number;
  first: string;
  last: string;
}
