// Rule 2, first part: queues are bounded, whoever is slow. (That the others are not delayed is shown by comparing runs.)
import type { Checker } from '../checker.js';

export const bounds: Checker = {
  name: 'bounds',
  onStep(world) {
    const { replicator, scenario, links } = world;
    for (const { feeds } of links) {
      for (const feed of feeds) {
        // In STATE the backlog is no queue but a set of prefixes.
        if (feed === undefined || replicator.backlog(feed) <= scenario.maxQueueBytes) continue;
        const stats = replicator.feedStats(feed);
        if (stats?.live) return `${stats.backlog} bytes wait for replica ${stats.replica}`;
      }
    }
    return undefined;
  },
};
