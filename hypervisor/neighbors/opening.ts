// When neighbours' sessions are open: from the time at which enough replicas vote until none has for long. Owns that decision for all of
// them together; one session that is held back by itself is neighbor-pool.ts.
import { now } from '../clock.js';
import type { RouterContext } from '../context.js';
import { plainRecord } from '../vote-records.js';
import type { NeighborPool } from './neighbor-pool.js';

/** RFC 4486. */
const CEASE_OUT_OF_RESOURCES = 8;

type OpeningContext = Pick<RouterContext, 'config' | 'electorate' | 'log' | 'voteLog'>;

export interface OpeningEvents {
  /** Neighbours can connect, and are connected to. */
  opened: () => void;
  /** Sessions cannot be opened at all. */
  fail: (error: Error) => void;
}

export class Opening {
  private readonly context: OpeningContext;
  private readonly pool: NeighborPool;
  private readonly events: OpeningEvents;
  private isOpen = false;
  private withoutReplicasSince = Infinity;

  constructor(context: OpeningContext, pool: NeighborPool, events: OpeningEvents) {
    this.context = context;
    this.pool = pool;
    this.events = events;
  }

  /** Neighbours' sessions may be open. */
  get open(): boolean {
    return this.isOpen;
  }

  electorateChanged(): void {
    const { electorate, config, log } = this.context;
    if (!this.isOpen && electorate.size >= config.voting.quorum) {
      this.isOpen = true;
      log.info(`${electorate.size} replicas are ready to vote: neighbour sessions are opened`);
      this.pool.start().then(this.events.opened, this.events.fail);
    }
    if (electorate.size === 0 && this.isOpen) {
      this.withoutReplicasSince = now();
      log.error('no replica is left to vote: what was advertised stays for now');
    } else {
      this.withoutReplicasSince = Infinity;
    }
  }

  tick(at: number): void {
    if (at - this.withoutReplicasSince > this.context.config.voting.holdWithoutReplicas) this.close();
  }

  private close(): void {
    const { config, log, voteLog } = this.context;
    this.withoutReplicasSince = Infinity;
    this.isOpen = false;
    log.error(`no replica came back within ${config.voting.holdWithoutReplicas} ms: neighbour sessions are closed`);
    voteLog.append(plainRecord(now(), 'session', { state: 'closed', reason: 'no replica is left' }));
    void this.pool.stop(CEASE_OUT_OF_RESOURCES, 'no replica is left');
  }
}
