// The whole story of one prefix out of the live state (control method `explain`): puts the parts together and asks the forwarding table's
// thread and the vote log. Owns the composition and its bounds; each part has a file of its own here, the shapes are types.ts.
import { parsePrefix } from '../../wire/prefix-text.js';
import { prefixText } from '../ballots/query.js';
import { now, wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { FibRoutes } from '../fib/protocol.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { ReplicaPort } from '../replica-port.js';
import type { Reports } from '../reports.js';
import { accusations } from './accusations.js';
import { ballotStory, replicaReport } from './ballot-story.js';
import { forwardingStory } from './forwarding-story.js';
import { inputReport } from './inputs.js';
import { historyOf } from './log-story.js';
import { summaryOf } from './summary.js';
import type { OwnLog } from './own-log.js';
import type { BallotStory, Explanation, ForwardingStory, InputReport, ReplicaReport, StoryEvent } from './types.js';

export interface ExplainerParts {
  context: RouterContext;
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
  reports: Reports;
  log: OwnLog;
}

export interface ExplainQuery {
  prefix?: string;
  /** Default true: what the vote log tells, too, which takes longer. */
  history?: boolean;
}

/** Neighbours of which a story tells; there may be a thousand of them. */
const MAX_NEIGHBORS = 200;

export class Explainer {
  private readonly parts: ExplainerParts;

  constructor(parts: ExplainerParts) {
    this.parts = parts;
  }

  /** Rejects with an Error for the user when the question makes no sense. A prefix that nobody knows has a story, too. */
  async explain({ prefix: text, history = true }: ExplainQuery): Promise<Explanation> {
    const parsed = text === undefined ? undefined : parsePrefix(String(text));
    if (parsed === undefined) throw new Error(`"${text ?? ''}" is no prefix (say 192.0.2.0/24)`);
    const canonical = prefixText(parsed);
    const unknown: string[] = [];
    const forwarding = await this.forwarding(canonical, unknown);
    const events = history ? await this.history(canonical, unknown) : [];
    return { ...this.now(canonical, forwarding, unknown), history: events };
  }

  /** All that the main thread knows, at one moment. */
  private now(text: string, forwarding: ForwardingStory | null, unknown: string[]): Omit<Explanation, 'history'> {
    const { context, reports } = this.parts;
    const { config, electorate, tables, records, faults } = context;
    const prefix = tables.prefixes.findText(text);
    const ports = this.ports(unknown);
    const inputs: InputReport[] = ports.map((port) => inputReport(context, port, this.parts.replicas, prefix));
    const known = ports.filter(
      (port) => prefix !== 0 && (port.negotiated !== undefined || port.voter.verdict(prefix) !== 0),
    );
    const ballots: BallotStory[] = known.map((port) => ballotStory(context, reports, port, ports, prefix));
    const replicas: ReplicaReport[] = this.parts.replicas.map((port, r) =>
      replicaReport(context, r, prefix, port.status()),
    );
    const { findings } = faults.report({ all: true });
    const { strategy, stabilityThreshold, faultThreshold } = config.voting;
    const facts = {
      ...{ prefix: text, at: wallClock(now()), source: 'live' as const },
      accused: accusations({ context, ports, prefix, ballots, forwarding, findings }),
      voting: {
        ...{ strategy, stabilityThreshold, faultThreshold, epoch: electorate.epoch },
        electorate: records.replicas.filter((_, r) => electorate.has(r)),
        master: strategy === 'master-slave' ? (records.replicas[electorate.master] ?? null) : null,
      },
      ...{ inputs, replicas, ballots, forwarding, unknown },
    };
    return { ...facts, summary: summaryOf(facts) };
  }

  private ports(unknown: string[]): NeighborPort[] {
    const ports = this.parts.neighbors.filter(({ config }) => config.removed !== true);
    if (ports.length > MAX_NEIGHBORS) unknown.push(`only ${MAX_NEIGHBORS} of ${ports.length} neighbours are looked at`);
    return ports.slice(0, MAX_NEIGHBORS);
  }

  private async forwarding(prefix: string, unknown: string[]): Promise<ForwardingStory | null> {
    const { fib, config } = this.parts.context;
    if (fib === undefined) {
      unknown.push('there is no forwarding table (fib.backend: none)');
      return null;
    }
    try {
      const { routes }: FibRoutes = await fib.routes({ prefix });
      return routes.length === 0 ? null : forwardingStory(routes[0], config.fib.backend === 'dry-run');
    } catch (error) {
      unknown.push(`the forwarding table does not answer: ${(error as Error).message}`);
      return null;
    }
  }

  private async history(prefix: string, unknown: string[]): Promise<StoryEvent[]> {
    const { records, problem } = await this.parts.log.about(prefix);
    if (problem !== undefined) unknown.push(problem);
    return historyOf(records);
  }
}
