// How many faults an electorate outvotes, and when that is something to be told of.

/**
 * How many of `voters` replicas may be wrong at the same time, each in its own way or all in the same, without any effect on what is
 * settled: the right ones must be a majority, and at least `minVotes`.
 */
export function tolerates(voters: number, minVotes: number): number {
  return Math.max(0, Math.min(Math.floor((voters - 1) / 2), voters - minVotes));
}
