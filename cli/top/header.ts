// The lines at the top of `btr top`: the router, who votes, how far they agree, what happens per second, and what is wrong.
import type { RouterStatus } from '../../hypervisor/status.js';
import { bytes, count, duration } from '../output/table.js';
import { piece, type Line, type Piece } from './line.js';
import { clockTime } from './panes/pane.js';
import { rateText } from './rates.js';
import type { Picture, TopState } from './state.js';

/** Alarms and the like that are shown; the others are counted. */
const MOST_ALARMS = 3;

export function header(state: TopState): Line[] {
  const { picture, lost, paused } = state;
  const marks: Piece[] = [
    ...(lost === undefined ? [] : [piece(`  ${lost}; trying again`, 'bad')]),
    ...(paused ? [piece('  PAUSED', 'warn')] : []),
  ];
  if (picture === undefined) return [[piece('btr', 'head'), ...marks, ...(lost ? [] : [piece('  connecting …')])]];
  const { status } = picture;
  return [
    [
      piece(`btr ${status.version}`, 'head'),
      piece(`  AS ${status.as}  ${status.routerId}  ${status.strategy}`),
      piece(
        `  up ${duration(status.uptime)}  ${bytes(status.memory)}  ${new Date(picture.at).toISOString().slice(11, 19)}`,
      ),
      ...marks,
    ],
    electorate(status),
    agreement(status),
    perSecond(state, status),
    ...troubles(picture),
  ];
}

function electorate({ electorate: voters, replicas, tolerates, quorum, master, open }: RouterStatus): Line {
  return [
    piece(`${voters.length} of ${replicas.length} vote`, voters.length < quorum ? 'bad' : 'plain'),
    piece(` (${voters.join(', ') || 'nobody'}), `),
    piece(`tolerates ${tolerates} faulty`, tolerates === 0 ? 'warn' : 'good'),
    ...(master === null ? [] : [piece(`, master ${master}`)]),
    ...(open ? [] : [piece(', sessions are closed', 'bad')]),
  ];
}

/** Rounded down: 100 % is said only when it is all. */
export function agreementPercent({ total, unanimous }: RouterStatus['ballots']): string {
  return total === 0 ? '–' : `${(Math.floor((100_000 * unanimous) / total) / 1000).toFixed(3)} %`;
}

function agreement({ ballots }: RouterStatus): Line {
  const { total, contested, withoutMajority } = ballots;
  return [
    piece('agreement '),
    piece(agreementPercent(ballots), contested > 0 ? 'warn' : 'good'),
    piece(` of ${count(total)} ballots, `),
    piece(`contested ${count(contested)}`, contested > 0 ? 'warn' : 'plain'),
    piece(', '),
    piece(`without majority ${count(withoutMajority)}`, withoutMajority > 0 ? 'bad' : 'plain'),
  ];
}

function perSecond({ rates }: TopState, { fib }: RouterStatus): Line {
  return [
    piece(`per second: updates in ${rateText(rates?.updates)}, votes ${rateText(rates?.votes)}, `),
    piece(`decisions ${rateText(rates?.decisions)}`),
    ...(fib === null ? [] : [piece(`; kernel ${count(fib.installed)} of ${count(fib.routes)}`)]),
    ...(fib !== null && fib.failing > 0 ? [piece(`, ${count(fib.failing)} refused`, 'bad')] : []),
  ];
}

function troubles({ status, injections, at }: Picture): Line[] {
  const lines: Line[] = [
    ...status.alarms.map(({ text, since }): Line => [piece(`ALARM since ${clockTime(since, at)}: ${text}`, 'bad')]),
    ...(status.fibError === null ? [] : [[piece(`forwarding table: ${status.fibError}`, 'bad')]]),
    ...(injections.length === 0 ? [] : [[piece(injectionText(injections), 'warn')]]),
    ...(status.restart.restarting ? [[piece(`restarted: waiting for ${whom(status)}`, 'warn')]] : []),
  ];
  if (lines.length <= MOST_ALARMS) return lines;
  return [
    ...lines.slice(0, MOST_ALARMS - 1),
    [piece(`… and ${lines.length - MOST_ALARMS + 1} more (btr status)`, 'bad')],
  ];
}

function whom({ restart: { missing } }: RouterStatus): string {
  return missing.length === 0 ? 'the replicas' : missing.join(', ');
}

function injectionText(injections: Picture['injections']): string {
  const words = injections.map(({ replica, kind }) => (replica === null ? kind : `${kind} into ${replica}`));
  return `faults put in on purpose (btr inject): ${words.join(', ')}`;
}
