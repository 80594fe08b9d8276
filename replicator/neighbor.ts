// What is kept of one neighbour whose session is up, and walks over what all of them announce. Owns the record's shape; who changes it is
// replicator.ts.
import type { Feed } from './feed.js';
import type { History } from './history.js';
import type { Variant } from './variant.js';

export interface Neighbor {
  families: number;
  /** When its session came up, ms. */
  since: number;
  history: History;
  variants: Map<string, Variant>;
  feeds: Feed[];
}

/** By index; undefined for one whose session is down. */
export type Neighbors = readonly (Neighbor | undefined)[];

/** Tells whether any neighbour announces a route now. `limit`: attribute ids. O(all prefixes). */
export function announcedBy(neighbors: Neighbors, limit: number): (route: number) => boolean {
  const used = new Uint8Array(limit);
  for (const neighbor of neighbors) {
    neighbor?.history.forEachRoute((prefix) => (used[neighbor.history.routes[prefix]] = 1));
  }
  return (route) => used[route] === 1;
}

/** Visits what neighbours announce now with one of these route attributes. `limit`: attribute ids. O(all prefixes), if there are any. */
export function forEachRouteIn(
  neighbors: Neighbors,
  routes: ReadonlySet<number>,
  limit: number,
  visit: (neighbor: Neighbor, prefix: number) => void,
): void {
  if (routes.size === 0) return;
  const wanted = new Uint8Array(limit);
  for (const route of routes) wanted[route] = 1;
  for (const neighbor of neighbors) {
    if (neighbor === undefined) continue;
    const { history } = neighbor;
    history.forEachRoute((prefix) => {
      if (wanted[history.routes[prefix]] === 1) visit(neighbor, prefix);
    });
  }
}
