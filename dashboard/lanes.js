// The replicas' lanes as they grow: the history has them up to now, each sample the last span of each. Owns adding one to the other.

/** Spans of one lane; the oldest give way. */
const MOST = 500;

/**
 * `lanes`: by replica, as in the history; changed in place. `news`: by replica the last span of each lane, or null. A lane gets at most one
 * new span between two samples, so nothing is missed.
 */
export function growLanes(lanes, news) {
  for (const [name, latest] of Object.entries(news ?? {})) {
    lanes[name] ??= {};
    for (const [kind, span] of Object.entries(latest)) {
      lanes[name][kind] ??= [];
      if (span !== null) grow(lanes[name][kind], span);
    }
  }
}

function grow(lane, span) {
  const last = lane.at(-1);
  if (last !== undefined && last.from === span.from && last.value === span.value) {
    last.to = span.to;
    return;
  }
  if (last !== undefined && last.from === span.from) lane.pop();
  else if (last !== undefined && last.to === null) last.to = span.from;
  lane.push({ ...span });
  if (lane.length > MOST) lane.shift();
}
