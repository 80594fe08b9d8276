// Who votes: exactly those whom the planner has vote; in the end all who can; and the operator knows when it is too few.
import { tolerates } from '../../../../recovery/tolerance.js';
import type { RecoveryChecker } from '../checker.js';
import type { RecoveryWorld } from '../world.js';

const TOLD_WITHIN = 2500;

export const seats: RecoveryChecker = {
  name: 'seats',
  onStep({ hosts, desk, electorate, seats: places }) {
    const wrong = hosts.find(({ index: r }) => electorate.has(r) !== (desk.phase(r) === 'voting'));
    if (wrong)
      return `replica ${wrong.index} is ${desk.phase(wrong.index)} and ${electorate.has(wrong.index) ? '' : 'not '}a member`;
    return electorate.size > places ? `${electorate.size} vote on ${places} seats` : undefined;
  },
};

export const returns: RecoveryChecker = { name: 'returns', atRest: absence };

/** Who does not vote, or runs, otherwise than in the end. */
export function absence(world: RecoveryWorld): string | undefined {
  const { hosts, desk, electorate, scenario, standing } = world;
  let able = 0;
  for (const { index: r } of hosts) {
    const phase = desk.phase(r);
    if (phase === 'voting' || phase === 'standby') able++;
    if (phase === 'voting' || phase === 'retired' || standing.isTroubled(r) || standing.isOverrun(r)) continue;
    const kind = scenario.standby[r];
    if (phase === 'standby' && (kind !== 'no' || !scenario.recovery.failBack)) continue;
    if (phase === 'off' && kind === 'cold') continue;
    return `replica ${r} is ${phase} (${desk.planner.life(r).reason ?? 'no reason'})`;
  }
  if (electorate.size < Math.min(world.seats, able)) return `${electorate.size} vote, ${able} could`;
  return idleColds(world);
}

/** Cold standbys run only in place of others. */
function idleColds({ hosts, desk, scenario, electorate, seats: places }: RecoveryWorld): string | undefined {
  const complete = scenario.standby.every((kind, r) => kind !== 'no' || electorate.has(r));
  const idle = hosts.find(({ index: r, up }) => up && scenario.standby[r] === 'cold' && desk.phase(r) !== 'voting');
  return complete && idle ? `cold standby ${idle.index} runs although all ${places} seats are taken` : undefined;
}

/** Too few voters for longer than a moment: an alarm says so, and only then. */
export function alarms(): RecoveryChecker {
  let [complete, since] = [false, Infinity];
  return {
    name: 'alarms',
    onTick(world) {
      const { electorate, desk, queue } = world;
      complete ||= electorate.size >= world.seats;
      const due = complete && isTooFew(world);
      if (!due) since = Infinity;
      else since = Math.min(since, queue.now);
      if (queue.now - since <= TOLD_WITHIN) return undefined;
      if (desk.alarms.list.some(({ kind }) => kind !== 'no-majority')) return undefined;
      return `${electorate.size} vote since ${since}, and nobody is told`;
    },
    atRest(world) {
      const told = world.desk.alarms.list.find(({ kind }) => kind !== 'no-majority');
      return told && !isTooFew(world) ? `there is still an alarm: ${told.text}` : undefined;
    },
  };
}

function isTooFew({ electorate, seats: places, scenario: { quorum, minVotes } }: RecoveryWorld): boolean {
  return electorate.size < quorum || (tolerates(electorate.size, minVotes) === 0 && tolerates(places, minVotes) > 0);
}
