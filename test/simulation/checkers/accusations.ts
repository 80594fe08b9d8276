// No correct replica is ever found in dissent, however slow it is.
import type { Checker } from '../checker.js';

export const accusations: Checker = {
  name: 'accusations',
  onEvent(world, n, event) {
    if (event.type !== 'dissent-begins' || world.isFaulty(event.replica)) return undefined;
    return `neighbour ${n}, prefix ${event.prefix}: correct replica ${event.replica} is accused (${event.kind})`;
  },
};
