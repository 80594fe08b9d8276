// Rule 2, first part: queues are bounded, whoever is slow. (That the others are not delayed is shown by comparing runs.)
import type { Checker } from '../checker.js';

export const bounds: Checker = {
  name: 'bounds',
  onStep(world) {
    for (const { feeds } of world.links) {
      for (const feed of feeds) {
        const stats = feed === undefined ? undefined : world.replicator.feedStats(feed);
        if (stats?.live && stats.backlog > world.scenario.maxQueueBytes) {
          return `${stats.backlog} bytes wait for replica ${stats.replica}`;
        }
      }
    }
    return undefined;
  },
};
