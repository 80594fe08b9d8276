// Who votes and which cold standbys run. There are as many seats as replicas that are no standby; a synchronised replica takes a free one,
// a standby only in place of one that has failed. Owns these choices; carrying them out is the planner's.
import type { Life } from './life.js';

export interface SeatChange {
  do: 'join' | 'leave' | 'start' | 'stop' | 'off';
  life: Life;
}

const votes = (life: Life): boolean => life.phase === 'voting';
const waits = (life: Life): boolean => life.phase === 'standby';
const isStandby = (life: Life): boolean => life.standby !== 'no';

/** The next change that the present phases ask for; undefined when all is as it should be. To be asked again after each. */
export function nextSeatChange(lives: readonly Life[], failBack: boolean): SeatChange | undefined {
  return seatChange(lives, failBack) ?? coldChange(lives);
}

/** Replicas that are no standby, have failed and are not back. */
function vacancies(lives: readonly Life[]): number {
  return lives.filter((life) => !isStandby(life) && life.failed).length;
}

function seatChange(lives: readonly Life[], failBack: boolean): SeatChange | undefined {
  const seats = lives.filter((life) => !isStandby(life)).length;
  const voters = lives.filter(votes).length;
  const substitutes = lives.filter((life) => isStandby(life) && votes(life));
  // More than seats: the other half of a fail-back, after somebody's return.
  if (voters > seats && substitutes.length > 0) return { do: 'leave', life: substitutes[substitutes.length - 1] };
  const back = lives.find((life) => !isStandby(life) && waits(life));
  // First the one joins, then the other leaves: in between there is nobody less.
  if (back !== undefined && (voters < seats || (failBack && substitutes.length > 0))) return { do: 'join', life: back };
  if (voters >= seats || substitutes.length >= vacancies(lives)) return undefined;
  const standby = byPreference(lives).find(waits);
  return standby && { do: 'join', life: standby };
}

/** Cold standbys run while somebody's place is empty that no other standby can take. */
function coldChange(lives: readonly Life[]): SeatChange | undefined {
  const standbys = byPreference(lives);
  const surplus = standbys.filter((life) => life.runs).length - vacancies(lives);
  const cold = standbys.filter((life) => life.standby === 'cold');
  if (surplus < 0) {
    const next = cold.find((life) => life.phase === 'off');
    if (next !== undefined) return { do: 'start', life: next };
  }
  if (surplus > 0) {
    const idle = cold.findLast((life) => life.runs && !votes(life));
    if (idle !== undefined) return { do: 'stop', life: idle };
  }
  if (surplus >= 0) {
    const waiting = cold.find((life) => life.phase === 'backoff');
    if (waiting !== undefined) return { do: 'off', life: waiting };
  }
  return undefined;
}

/** Warm standbys before cold ones. */
function byPreference(lives: readonly Life[]): Life[] {
  return [...lives.filter(({ standby }) => standby === 'warm'), ...lives.filter(({ standby }) => standby === 'cold')];
}
