// The router itself as lines of the vote log: its start and end, and who votes and leads. Owns the kinds `start`, `stop` and `electorate`. The
// electorate is looked at, for it changes in several places: a record is late by one tick at most.
import process from 'node:process';
import type { RouterConfig } from '../configs/model.js';
import type { Electorate } from '../voter/electorate.js';
import { now } from './clock.js';
import { namesOf, plainRecord } from './vote-records.js';

export interface RouterJournalParts {
  config: RouterConfig;
  electorate: Electorate;
  voteLog: { append(line: string): void };
}

export class RouterJournal {
  private readonly parts: RouterJournalParts;
  private seenEpoch: number;
  private members = 0;
  private master = -1;

  constructor(parts: RouterJournalParts) {
    this.parts = parts;
    this.seenEpoch = parts.electorate.epoch;
  }

  started(): void {
    const { config, voteLog } = this.parts;
    const { router, voting, replicas, neighbors, fib } = config;
    const fields = {
      ...{ pid: process.pid, as: router.as, routerId: router.routerId },
      ...{ strategy: voting.strategy, quorum: voting.quorum, minVotes: voting.minVotes },
      ...{ stabilityThreshold: voting.stabilityThreshold, faultThreshold: voting.faultThreshold },
      ...{ fibBackend: fib.backend, level: config.voteLog.level },
      running: replicas.map(({ name, kind, standby }) => ({ name, kind, standby })),
      neighbors: neighbors.map(({ address }) => address),
    };
    voteLog.append(plainRecord(now(), 'start', fields));
  }

  stopped(): void {
    this.parts.voteLog.append(plainRecord(now(), 'stop', {}));
  }

  tick(at: number): void {
    const { electorate, config, voteLog } = this.parts;
    const { epoch, members, master } = electorate;
    if (epoch === this.seenEpoch) return;
    const names = config.replicas.map(({ name }) => name);
    voteLog.append(
      plainRecord(at, 'electorate', {
        epoch,
        members: namesOf(members, names),
        joined: namesOf(members & ~this.members, names),
        left: namesOf(this.members & ~members, names),
        // Under the other strategies it means nothing.
        ...(config.voting.strategy === 'master-slave' ? this.mastership(names, master) : {}),
        quorum: config.voting.quorum,
      }),
    );
    Object.assign(this, { seenEpoch: epoch, members, master });
  }

  private mastership(names: readonly string[], master: number): { master: string | null; formerMaster: string | null } {
    return { master: names[master] ?? null, formerMaster: names[this.master] ?? null };
  }
}
