// The words of a comparison of two configurations: what applying a change takes, and what is said of it. No behaviour.

/**
 * What it takes to apply a change, from little to much. `live`: nothing else is touched; `session`: the sessions of the neighbours
 * concerned are opened anew; `replicas`: the replicas whose own configuration changes are restarted, one after the other; `restart`: the
 * whole router has to be restarted, a running one does not take it.
 */
export type ChangeClass = 'live' | 'session' | 'replicas' | 'restart';
export const CHANGE_CLASSES: readonly ChangeClass[] = ['live', 'session', 'replicas', 'restart'];

/** One key that differs. */
export interface Change {
  /** Path with names in place of indexes: `neighbors[10.0.0.2].hold-time`. */
  key: string;
  class: ChangeClass;
  /** The neighbour's session has to be opened anew, whatever else it takes. */
  session: boolean;
  /** As people write it; null: it is not there. Secrets are never shown. */
  old: string | null;
  new: string | null;
  /** Where the new value is written, or the place where it could be. */
  file: string;
  line: number;
}

export interface ConfigDiff {
  changes: Change[];
}

/** One row of the table that says what applying a change of a key takes. */
export interface KeyRule {
  /** Path in the file, without indexes: `neighbors[].hold-time`. */
  key: string;
  class: ChangeClass;
  /** See `Change`. */
  session?: true;
  /** For people: what happens, or why it cannot be applied. */
  note?: string;
  /** The rule holds for all keys below this one, too: they are compared as a whole. */
  below?: true;
}
