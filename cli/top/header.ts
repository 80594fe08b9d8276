// The lines at the top of `btr top`: the router, who votes, how far they agree, what happens per second, and what is wrong. What matters
// most stands first in each: a narrow screen shows no more.
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
    ...(lost === undefined ? [] : [piece('  not connected, trying again', 'bad')]),
    ...(paused ? [piece('  PAUSED', 'warn')] : []),
  ];
  const why: Line[] = lost === undefined ? [] : [[piece(lost, 'bad')]];
  if (picture === undefined) {
    return [[piece('btr', 'head'), ...marks, ...(lost === undefined ? [piece('  connecting …')] : [])], ...why];
  }
  const { status } = picture;
  return [
    [
      piece(`btr ${status.version}`, 'head'),
      ...marks,
      piece(`  ${new Date(picture.at).toISOString().slice(11, 19)}  up ${duration(status.uptime)}`),
      piece(`  AS ${status.as}  ${status.routerId}  ${status.strategy}  ${bytes(status.memory)}`),
    ],
    ...why,
    electorate(status),
    agreement(status),
    perSecond(state, status),
    ...troubles(picture),
  ];
}

function electorate({ electorate: voters, replicas, tolerates, quorum, master, open }: RouterStatus): Line {
  return [
    piece(`${voters.length} of ${replicas.length} vote`, voters.length < quorum ? 'bad' : 'plain'),
    piece(', '),
    piece(`tolerates ${tolerates} faulty`, tolerates === 0 ? 'warn' : 'good'),
    ...(open ? [] : [piece(', sessions are closed', 'bad')]),
    ...(master === null ? [] : [piece(`, master ${master}`)]),
    ...(voters.length === 0 ? [] : [piece(`: ${voters.join(', ')}`)]),
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
    piece(', '),
    piece(`contested ${count(contested)}`, contested > 0 ? 'warn' : 'plain'),
    piece(', '),
    piece(`without majority ${count(withoutMajority)}`, withoutMajority > 0 ? 'bad' : 'plain'),
    piece(`, of ${count(total)} ballots`),
  ];
}

function perSecond({ rates }: TopState, { fib }: RouterStatus): Line {
  return [
    piece(`updates ${rateText(rates?.updates)}/s, votes ${rateText(rates?.votes)}/s, `),
    piece(`decisions ${rateText(rates?.decisions)}/s`),
    ...(fib !== null && fib.failing > 0 ? [piece(`; kernel refuses ${count(fib.failing)}`, 'bad')] : []),
    ...(fib === null ? [] : [piece(`; kernel has ${count(fib.installed)} of ${count(fib.routes)}`)]),
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
