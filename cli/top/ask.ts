// What `btr top` asks the hypervisor: the picture, and the details of one thing. Owns the questions and their bounds; answers become text with
// the renderers that `btr votes` and `btr faults` have.
import type { Explanation, FaultPattern } from '../../hypervisor/explain/types.js';
import { routeWords, timeWords } from '../../hypervisor/explain/words.js';
import type { InjectionReport } from '../../hypervisor/injection/types.js';
import type { BallotReport, FaultsAnswer, ReplicaStatus, RouterStatus } from '../../hypervisor/status.js';
import { bytes, count } from '../output/table.js';
import { renderBallots } from '../votes/render-ballots.js';
import { renderExplanation } from '../votes/render-explanation.js';
import { prefixOfKey } from './panes/ballots.js';
import type { Picture, Subject } from './state.js';

/** Ballots in a picture, and in the details of a replica or neighbour. */
const BALLOTS = 200;
const DETAIL_BALLOTS = 50;

/** One question, one answer: the control socket, or a test's. */
export type Ask = (method: string, params?: Record<string, unknown>) => Promise<unknown>;

interface VotesAnswer {
  ballots: BallotReport[];
  total: number;
}

export async function takePicture(ask: Ask, at: number): Promise<Picture> {
  const status = (await ask('status')) as RouterStatus;
  const votes =
    status.ballots.contested === 0
      ? { ballots: [], total: 0 }
      : ((await ask('votes', { state: 'contested', limit: BALLOTS })) as VotesAnswer);
  const { patterns } = (await ask('faults')) as FaultsAnswer;
  const injections = (await ask('inject-list')) as InjectionReport[];
  return { status, ballots: votes.ballots, ballotsTotal: votes.total, patterns, injections, at };
}

/** All there is to say about one thing, in lines that may be as long as they like. Rejects as the hypervisor does. */
export async function detailsOf(ask: Ask, { pane, key }: Subject): Promise<string[]> {
  switch (pane) {
    case 'ballots':
      return renderExplanation((await ask('explain', { prefix: prefixOfKey(key) })) as Explanation);
    case 'neighbors':
      return neighborDetails(ask, key);
    case 'replicas':
      return replicaDetails(ask, key);
    case 'findings': {
      const { patterns } = (await ask('faults')) as FaultsAnswer;
      const pattern = patterns.find((one) => one.key === key);
      return pattern === undefined ? ['this finding is gone'] : patternLines(pattern);
    }
  }
}

async function neighborDetails(ask: Ask, address: string): Promise<string[]> {
  const status = (await ask('status')) as RouterStatus;
  const found = status.neighbors.find((one) => one.address === address);
  if (found === undefined) return [`there is no neighbour ${address} any more`];
  const { ballots, total } = (await ask('votes', {
    state: 'contested',
    neighbor: address,
    limit: DETAIL_BALLOTS,
  })) as VotesAnswer;
  const facts = [
    `AS ${found.as}, ${found.state}${found.paused ? ', reading is held back' : ''}`,
    `${count(found.prefixesIn)} prefixes in, ${count(found.prefixesOut)} out; ${count(found.messagesIn)} messages in, ${count(found.messagesOut)} out`,
    `session lost ${found.flaps} times; graceful restart ${found.gracefulRestart ? 'agreed' : 'not agreed'}; End-of-RIB of ${found.endOfRib.join(', ') || 'nothing yet'}`,
    ...(found.lastError === null ? [] : [`last error: ${found.lastError}`]),
  ];
  return [...facts, ...ballotLines('contested ballots', ballots, total)];
}

async function replicaDetails(ask: Ask, name: string): Promise<string[]> {
  const status = (await ask('status')) as RouterStatus;
  const found = status.replicas.find((one) => one.name === name);
  if (found === undefined) return [`there is no replica ${name} any more`];
  const { patterns } = (await ask('faults', { replica: name })) as FaultsAnswer;
  const { ballots, total } = (await ask('votes', {
    state: 'contested',
    replica: name,
    limit: DETAIL_BALLOTS,
  })) as VotesAnswer;
  return [
    ...replicaFacts(found),
    ...(patterns.length === 0 ? ['', 'nothing is held against it'] : ['', 'what is held against it:']),
    ...patterns.flatMap((pattern) => ['', ...patternLines(pattern).map((line) => `  ${line}`)]),
    ...ballotLines('ballots on which it differs', ballots, total),
  ];
}

function replicaFacts(replica: ReplicaStatus): string[] {
  const { kind, version, pid, state, since, restarts, sessionsUp, sessions, votes, dissents, faults } = replica;
  const { lagMs, backlogBytes, abstains, health, lastError } = replica;
  return [
    `${kind} ${version}${pid === null ? '' : `, pid ${pid}`}: ${state} since ${timeWords(since)}, restarted ${restarts} times`,
    `sessions ${sessionsUp} of ${sessions}; ${count(votes)} votes, ${count(dissents)} dissents now; faults: ${faults.open} open, ${faults.found} found, ${faults.known} known differences`,
    `lag ${count(Math.round(lagMs))} ms, ${bytes(backlogBytes)} wait; has no say on ${abstains.quarantined} quarantined and ${abstains.muted} muted prefixes`,
    ...(health === null
      ? []
      : [
          `processor ${Math.round(100 * health.cpu)} %, memory ${bytes(health.memory)}, probe ${Math.round(health.latencyMs)} ms, ${Math.round(health.messagesPerSecond)} messages/s`,
          ...health.warnings.map(({ since: from, text }) => `warning since ${timeWords(from)}: ${text}`),
        ]),
    ...(lastError === null ? [] : [`last error: ${lastError}`]),
  ];
}

function patternLines({ text, first, last, open, advice, commands, examples, against }: FaultPattern): string[] {
  return [
    text,
    `${open ? 'open' : 'over'}; first ${timeWords(first)}, last ${timeWords(last)}${against.length === 0 ? '' : `; against ${against.join(', ')}`}`,
    advice,
    ...commands.map((command) => `  ${command}`),
    ...examples.flatMap(({ prefix, place, vote, majority }) => [
      `example ${prefix} ${place === 'fib' ? 'in the forwarding table' : `to ${place}`}:`,
      `    it says:       ${routeWords(vote)}`,
      `    the majority:  ${routeWords(majority)}`,
    ]),
  ];
}

function ballotLines(title: string, ballots: readonly BallotReport[], total: number): string[] {
  if (ballots.length === 0) return ['', `no ${title}`];
  const rest = total - ballots.length;
  return [
    '',
    `${title} (${count(total)}):`,
    ...renderBallots(ballots, { differences: true }),
    ...(rest > 0 ? [`… and ${count(rest)} more (btr votes)`] : []),
  ];
}
