// Rule 1: a neighbour's session is lost when the neighbour loses it, never because of a replica; and a replica that goes takes no route along.
import type { Checker } from '../checker.js';

export const sessions: Checker = {
  name: 'sessions',
  onStep(world) {
    const lost = world.neighbors.find(({ flaps, intendedFlaps }) => flaps !== intendedFlaps);
    return (
      lost && `the session of neighbour ${lost.index} was lost ${lost.flaps} times, ${lost.intendedFlaps} by itself`
    );
  },
};

export const departures: Checker = {
  name: 'departures',
  onDeparture(world, r, before) {
    const after = world.allVerdicts();
    const changed = before.findIndex((verdict, i) => verdict !== after[i]);
    return changed < 0 ? undefined : `replica ${r} left and changed verdict number ${changed}`;
  },
};
