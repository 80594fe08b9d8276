// Is everything all right, and if not, what is wrong: the first thing on the page, in words. Owns the judgement; it looks at what the router
// says of itself and adds nothing to it.
import { count, list, many, place, since } from './format.js';

/** Worst first. */
const LEVELS = ['bad', 'warn', 'busy', 'good'];

/** How a replica's state is shown: its level and its word. */
export const REPLICA_STATES = {
  voting: ['good', 'votes'],
  standby: ['off', 'stands by'],
  syncing: ['busy', 'synchronises'],
  starting: ['busy', 'starts'],
  ending: ['warn', 'is being ended'],
  backoff: ['bad', 'is down, waits to be started'],
  retired: ['bad', 'is down, given up'],
  off: ['off', 'is off'],
  stopped: ['off', 'is stopped'],
};

export const stateOf = (replica) => REPLICA_STATES[replica.state] ?? ['off', replica.state];

/** Findings that somebody should act on: of now, and no known difference of daemons. */
export function openPatterns(faults) {
  return (faults?.patterns ?? []).filter(({ open, kind }) => open && kind !== 'known-difference');
}

/**
 * The level (`good`, `busy`, `warn`, `bad`), the headline, what follows from it, and one sentence for each thing that is wrong, the worst
 * first. `now`: ms since 1970.
 */
export function judge(status, faults, now) {
  const patterns = openPatterns(faults);
  const issues = [
    ...status.alarms.map((alarm) => issue('bad', `Alarm since ${since(alarm.since, now)}: ${alarm.text}.`)),
    ...patterns.map((pattern) => issue('warn', pattern.text, pattern)),
    ...forwardingIssues(status),
    ...status.replicas.flatMap((replica) => replicaIssues(replica, now)),
    ...status.neighbors.flatMap((neighbor) => neighborIssues(neighbor, status)),
    ...roomIssues(status),
  ];
  issues.sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
  const level = issues[0]?.level ?? 'good';
  return { level, title: headline(status, patterns, level), text: consequence(status, patterns), issues };
}

function issue(level, text, pattern) {
  return { level, text: /[.!?]$/.test(text) ? text : `${text}.`, pattern };
}

function forwardingIssues({ fib, fibError }) {
  if (fibError !== null) return [issue('bad', `The forwarding table does not answer: ${fibError}`)];
  if (fib === null || fib.failing === 0) return [];
  return [issue('bad', `The kernel refuses ${many(fib.failing, 'route')} (btr fib --state failing).`)];
}

function replicaIssues(replica, now) {
  const { name, state, since: from, standby, lastError, health } = replica;
  const found = (health?.warnings ?? []).map((warning) =>
    issue('warn', `Early warning since ${since(warning.since, now)}: ${name} ${warning.text}`),
  );
  const [level, words] = stateOf(replica);
  if (state === 'voting' || state === 'standby' || (state === 'off' && standby !== 'no')) return found;
  const why = lastError === null || level === 'busy' ? '' : `: ${lastError}`;
  return [...found, issue(level === 'off' ? 'warn' : level, `${name} ${words} since ${since(from, now)}${why}`)];
}

function neighborIssues({ address, state, lastError }, { open }) {
  if (state === 'Established') return [];
  const why = lastError === null ? '' : `: ${lastError}`;
  return [issue(open ? 'warn' : 'busy', `Neighbour ${address} has no session (${state})${why}`)];
}

function roomIssues({ tables, voteLogDropped }) {
  return [
    ...(tables.full > 0
      ? [issue('bad', `${many(tables.full, 'route or vote', 'routes and votes')} found no room (docs/limits.md).`)]
      : []),
    ...(voteLogDropped > 0
      ? [issue('warn', `The vote log lost ${many(voteLogDropped, 'line')}: the disk did not keep up.`)]
      : []),
  ];
}

function headline(status, patterns, level) {
  if (!status.open) return 'The router is starting';
  const liars = [...new Set(patterns.filter(({ kind }) => kind !== 'system').map(({ replica }) => replica))];
  if (liars.length > 0) return `${list(liars)} ${liars.length === 1 ? 'disagrees' : 'disagree'} with the others`;
  const down = status.replicas.filter(({ state }) => ['backoff', 'retired', 'ending'].includes(state));
  if (down.length > 0) return `${list(down.map(({ name }) => name))} ${down.length === 1 ? 'is' : 'are'} down`;
  const late = status.replicas.filter(({ state }) => state === 'syncing' || state === 'starting');
  if (late.length > 0) return `${list(late.map(({ name }) => name))} ${late.length === 1 ? 'comes' : 'come'} back`;
  if (level === 'bad') return 'The router needs attention';
  const sessions = status.neighbors.filter(({ state }) => state !== 'Established');
  if (sessions.length > 0) return `${many(sessions.length, 'neighbour')} without a session`;
  if (level !== 'good') return 'Something needs a look';
  return 'All replicas agree';
}

/** What it means for those who use the router. */
function consequence({ electorate, replicas, ballots, tolerates, neighbors }, patterns) {
  const seats = replicas.filter(({ standby }) => standby === 'no').length;
  const votes = `${electorate.length} of ${many(seats, 'replica')} vote`;
  const more = tolerates === 0 ? 'none of them may fail' : `${tolerates} of them may be wrong and is still outvoted`;
  const outvoted = patterns.some(({ kind }) => kind !== 'system') && ballots.withoutMajority === 0;
  if (neighbors.length > 0 && ballots.total === 0) return `${votes}; ${more}. Nobody has announced a route yet.`;
  const share =
    ballots.contested === 0
      ? `All ${many(ballots.total, 'ballot')} are unanimous.`
      : `${count(ballots.contested)} of ${many(ballots.total, 'ballot')} are contested` +
        (ballots.withoutMajority === 0
          ? ', all of them have a majority.'
          : `, ${count(ballots.withoutMajority)} of them without a majority.`);
  return `${votes}; ${more}. ${share}${outvoted ? ' What neighbours are told is what the majority says.' : ''}`;
}

/** `towards 10.0.2.2 and in the forwarding table`. */
export function placesText(places) {
  const towards = places.filter((one) => one !== 'fib').map(place);
  return [towards.length > 0 && `towards ${list(towards)}`, places.includes('fib') && 'in the forwarding table']
    .filter(Boolean)
    .join(' and ');
}
