// A batch of changes to the routing table, as the installer orders them and a backend carries them out: parallel typed arrays that
// are made once and filled again and again. Owns the layout; what to write is the installer's, how it is written the backend's.

/** Add a route where nothing of ours is (NLM_F_CREATE | NLM_F_EXCL): a route of somebody else in its place is an error (EEXIST). */
export const OP_CREATE = 1;
/** Put a route in the place of one that is known to be ours (NLM_F_CREATE | NLM_F_REPLACE): the kernel does not ask whose it was. */
export const OP_REPLACE = 2;
/** Remove our route, and only ours: protocol, metric and table have to match. */
export const OP_DELETE = 3;

export interface RouteBatch {
  /** Entries 0..count-1 of the arrays are in use. */
  count: number;
  /** OP_CREATE, OP_REPLACE or OP_DELETE. */
  readonly op: Uint8Array;
  /** Prefix ids. */
  readonly prefix: Uint32Array;
  /** Ids of next-hop sets; not read for OP_DELETE. */
  readonly hops: Uint32Array;
  /** Filled in by the backend: 0, or the positive errno with which this change, and only this one, failed. */
  readonly errors: Int32Array;
}

/** An empty batch with room for `capacity` changes. */
export function createRouteBatch(capacity: number): RouteBatch {
  return {
    count: 0,
    op: new Uint8Array(capacity),
    prefix: new Uint32Array(capacity),
    hops: new Uint32Array(capacity),
    errors: new Int32Array(capacity),
  };
}
