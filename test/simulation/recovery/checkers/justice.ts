// Who is found at fault: nobody who is right, while the right ones can outvote the others; whoever is wrong, in time; and that has its
// consequences within the budget.
import { count } from '../../../../voter/tally.js';
import type { RecoveryChecker } from '../checker.js';
import { PROBE_INTERVAL } from '../host.js';
import { FAULT_THRESHOLD } from '../scenario.js';
import { HANG_THRESHOLD, STABILITY_THRESHOLD } from '../../scenario.js';
import type { RecoveryWorld } from '../world.js';

/** Ticks, reviews, and the time for which an answer of the ledger holds, ms. */
const SLACK = 1500;
const FOUND_AFTER = 2 * STABILITY_THRESHOLD + SLACK;

export const accusations: RecoveryChecker = {
  name: 'accusations',
  onEvent(world, n, event) {
    const { standing, scenario } = world;
    if (event.type === 'no-majority' && count(event.voters) >= scenario.minVotes && standing.inControl) {
      return `neighbour ${n}, prefix ${event.prefix}: no majority`;
    }
    if (event.type !== 'dissent-begins' || standing.isBad(event.replica) || !standing.inControl) return undefined;
    return `neighbour ${n}, prefix ${event.prefix}: correct replica ${event.replica} is accused (${event.kind})`;
  },
};

export const sentences: RecoveryChecker = {
  name: 'sentences',
  onEffect(world, effect) {
    if (effect.do !== 'tell') return undefined;
    const { what } = effect;
    if (what !== 'repair' && what !== 'reported' && what !== 'spared') return undefined;
    if (world.standing.isBad(effect.replica) || !world.standing.inControl) return undefined;
    return `correct replica ${effect.replica} is dealt with for dissent: ${what}, ${effect.text}`;
  },
};

interface Wrong {
  since: number;
  vote: number;
  truth: number;
  voter: unknown;
}

/** A wrong vote that stays is found, and then has a consequence; so has a hang. */
export function detection(): RecoveryChecker {
  const wrongs = new Map<string, Wrong>();
  const spared = new Set<number>();
  return {
    name: 'detection',
    onEffect(_, effect) {
      if (effect.do === 'start') spared.delete(effect.replica);
      if (effect.do === 'tell' && (effect.what === 'reported' || effect.what === 'spared')) spared.add(effect.replica);
      return undefined;
    },
    onTick(world) {
      const { now } = world.queue;
      const idle = world.hosts.find(
        ({ up, hungSince }) => up && now - hungSince > HANG_THRESHOLD + 2 * PROBE_INTERVAL + SLACK,
      );
      if (idle) return `replica ${idle.index} hangs since ${idle.hungSince}, and nobody notices`;
      if (!world.standing.inControl) {
        wrongs.clear();
        return undefined;
      }
      for (const { index: n, up } of world.neighbors) {
        for (const prefix of up ? world.routes.ids : []) {
          const problem = ballotProblem(wrongs, spared, world, n, prefix);
          if (problem !== undefined) return `neighbour ${n}, prefix ${prefix}: ${problem}`;
        }
      }
      return undefined;
    },
  };
}

/** Somebody is wrong on this ballot for too long without any consequence. */
function ballotProblem(
  wrongs: Map<string, Wrong>,
  spared: ReadonlySet<number>,
  world: RecoveryWorld,
  n: number,
  prefix: number,
): string | undefined {
  const { now } = world.queue;
  const voter = world.voters[n];
  const truth = world.truth(n, prefix);
  for (const { index: r } of world.hosts) {
    const key = `${r} ${n} ${prefix}`;
    if (voter.currentVote(r, prefix) === truth || !isPlainlyWrong(world, r, n, prefix, truth)) {
      if (wrongs.size > 0) wrongs.delete(key);
      continue;
    }
    const wrong = notice(wrongs, key, { since: now, vote: voter.currentVote(r, prefix), truth, voter });
    const found = ((voter.dissenters(prefix) >>> r) & 1) === 1;
    if (!found && now - wrong.since > FOUND_AFTER) return `replica ${r} is wrong since ${wrong.since}, and not found`;
    if (!spared.has(r) && now - wrong.since > FOUND_AFTER + FAULT_THRESHOLD) {
      return `replica ${r} is wrong since ${wrong.since}, and nothing is done about it`;
    }
  }
  return undefined;
}

/** It votes, what it says is not the truth, everybody else is right, and nobody has anything more to work off. */
function isPlainlyWrong(world: RecoveryWorld, r: number, n: number, prefix: number, truth: number): boolean {
  const voter = world.voters[n];
  if (!world.electorate.has(r) || voter.abstains(r, prefix)) return false;
  const input = Math.max(world.replicator.inputTime(prefix), world.upSince[n]);
  const { bad } = world.standing;
  return world.hosts.every(({ index }) => {
    if (!world.electorate.has(index)) return true;
    if (!(world.caughtUp[index] > input)) return false;
    return index === r || ((bad >>> index) & 1) === 1 || voter.currentVote(index, prefix) === truth;
  });
}

/** The same since when? */
function notice(wrongs: Map<string, Wrong>, key: string, wrong: Wrong): Wrong {
  const known = wrongs.get(key);
  if (known?.vote === wrong.vote && known.truth === wrong.truth && known.voter === wrong.voter) return known;
  wrongs.set(key, wrong);
  return wrong;
}

/** No more restarts within the window than the budget has, and nobody is retired with fewer; those whose reason was found do not count. */
export function budget(): RecoveryChecker {
  const restarts = new Map<number, number[]>();
  return {
    name: 'budget',
    onEffect(world, effect) {
      const { maxRestarts, restartWindow } = world.scenario.recovery;
      if (effect.do !== 'tell' || maxRestarts === 0) return undefined;
      const { replica: r, what } = effect;
      const { now } = world.queue;
      const recent = (restarts.get(r) ?? []).filter((at) => now - at < restartWindow);
      if (what === 'operator' || what === 'retired') restarts.set(r, []);
      if (what === 'retired' && recent.length < maxRestarts)
        return `replica ${r} is retired after ${recent.length} restarts`;
      // One that was asked for costs nothing, and is the only one that is not waited for.
      if (what !== 'restarting' || effect.delay === 0) return undefined;
      restarts.set(r, [...recent, now]);
      if (recent.length < maxRestarts) return undefined;
      return `replica ${r} is restarted for the ${recent.length + 1}th time within ${restartWindow} ms`;
    },
    onExplained(_, r, diedAt) {
      const of = restarts.get(r) ?? [];
      const restart = of.findIndex((at) => at >= diedAt);
      if (restart >= 0) of.splice(restart, 1);
      return undefined;
    },
  };
}

/** What is open in the ledger is what the voters say. */
export const ledger: RecoveryChecker = {
  name: 'ledger',
  atRest(world) {
    const findings = world.desk.ledger.findings();
    for (const { index: r } of world.hosts) {
      for (const { index: n, up } of world.neighbors) {
        const told = findings.filter(({ replica, place, kind }) => replica === r && place === n && kind !== 'system');
        const followed = told.reduce((sum, { prefixes }) => sum + prefixes, 0);
        const open = up ? world.voters[n].dissentCount(r) : 0;
        if (followed !== open) return `replica ${r}, neighbour ${n}: ${open} dissents, the ledger follows ${followed}`;
      }
      const accused = world.desk.ledger.counts(r).open > 0;
      if (accused && world.electorate.has(r) && !world.standing.isBad(r))
        return `correct replica ${r} has open findings`;
    }
    return undefined;
  },
};
