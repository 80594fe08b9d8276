// The forwarding table as a part of the router: makes its port out of the configuration, carries its events to replicas, electorate,
// gate and logs, watches over a restart, and collects what was advertised for `btr fib --verify`. Owns this wiring only.
import { internalLinkAddresses } from '../configs/internal-link.js';
import type { RouterConfig } from '../configs/model.js';
import type { PrefixClock } from '../wire/prefix-clock.js';
import { FAMILIES, IPV4_UNICAST, IPV6_UNICAST } from '../wire/family.js';
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import { FibPort } from './fib/port.js';
import type { FibSettings, InstalledNlri } from './fib/protocol.js';
import type { NeighborPort } from './neighbor-port.js';
import type { ReplicaPort } from './replica-port.js';
import { plainRecord } from './vote-records.js';
import { voterOptions } from './voter-options.js';

/** The interface that only replicas see. No kernel gives out such an index. */
const INTERNAL_LINK = { ifindex: 0x40000000, name: 'btr0' } as const;

export interface RouterParts {
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
  electorateChanged(): void;
  fail(error: Error): void;
}

/** `seed`: of the table whose hashes the clock is used with. */
function fibSettings(
  config: RouterConfig,
  backend: 'kernel' | 'dry-run',
  clock: PrefixClock,
  seed: number,
): FibSettings {
  const { fib, internal, voting } = config;
  return {
    backend,
    engine: {
      sources: config.replicas.map((replica) => replica.fib),
      strategy: voting.strategy,
      voter: voterOptions(voting),
      own: { table: fib.table, protocol: fib.protocol, metric: fib.metric },
      internal: {
        ...INTERNAL_LINK,
        ...internalLinkAddresses(config),
      },
      probe: { prefix: internal.probePrefix, nextHops: internal.probeNextHops },
      networks: config.router.networks,
      limits: { maxPrefixes: config.limits.maxPrefixes },
      eventDelays: config.replicas.map(({ diversity }) => diversity.interfaceEventDelay),
      seed,
    },
    clockMemory: clock.memory,
    replicas: config.replicas.map(({ name }) => name),
    auditInterval: fib.auditInterval,
    reportInstalled: fib.advertiseAfterInstall,
    faultThreshold: voting.faultThreshold,
    voteLogLevel: config.voteLog.level,
  };
}

/** Starts the forwarding table's thread; undefined where there is to be none. */
export function openFib(
  context: Pick<RouterContext, 'config' | 'electorate' | 'tables'>,
  clock: PrefixClock,
): FibPort | undefined {
  const { config, electorate, tables } = context;
  if (config.fib.backend === 'none') return undefined;
  return new FibPort(fibSettings(config, config.fib.backend, clock, tables.seed), electorate);
}

export class RouterFib {
  private readonly context: RouterContext;
  private readonly port: FibPort;
  private readonly parts: RouterParts;

  constructor(context: RouterContext, port: FibPort, parts: RouterParts) {
    this.context = context;
    this.port = port;
    this.parts = parts;
    const { log, voteLog, electorate, config } = context;
    port.on('log', (level, text) => log.log(level, `forwarding table: ${text}`));
    port.on('records', (lines) => lines.forEach((line) => voteLog.append(line)));
    voteLog.onLevel((level) => port.setVoteLogLevel(level));
    port.on('writing', (replicas) => {
      for (const replica of parts.replicas) if ((replicas >>> replica.index) & 1) replica.isWriting();
    });
    port.on('probe', (replica, n) => parts.replicas[replica]?.forwarded(n));
    port.on('installed', (news) => this.installed(news));
    port.on('fault', (replica, reason) => parts.replicas[replica]?.kernelFault(reason));
    port.on('failed', (error) => parts.fail(error));
    port.on('overthrow', (from, candidates) => {
      if (!electorate.overthrow(from, candidates)) return;
      const [before, after] = [config.replicas[from].name, config.replicas[electorate.master].name];
      log.warn(`the forwarding table's votes overthrew the master ${before}: ${after} leads now`);
      voteLog.append(plainRecord(now(), 'overthrow', { fib: true, from: before, to: after }));
      parts.electorateChanged();
    });
  }

  /** Resolves when the table has been read. Rejects with an Error for the user. */
  async start(): Promise<void> {
    await this.port.start();
    const { found } = this.port;
    const { restart, config, log } = this.context;
    const preserved =
      (found[IPV4_UNICAST] > 0 ? 1 << IPV4_UNICAST : 0) | (found[IPV6_UNICAST] > 0 ? 1 << IPV6_UNICAST : 0);
    restart.begin(config.fib.backend === 'kernel' ? preserved : 0, now());
    if (preserved !== 0)
      log.info(`${found[0]} IPv4 and ${found[1]} IPv6 routes of an earlier run stay until they are confirmed`);
  }

  /** Once per tick of the main loop. `settled`: everything that came in before a time has been worked off. */
  tick(at: number, settled: (since: number) => boolean): void {
    this.port.flush();
    const { restart, log } = this.context;
    if (!restart.check(at, settled)) return;
    if (restart.state === 'expired' && this.port.found.some((count) => count > 0)) {
      const missing = restart.missing.map((n) => this.context.config.neighbors[n].address).join(', ');
      log.warn(`not resynchronised in time (waiting for ${missing || 'the replicas'}): stale routes go nevertheless`);
    }
    this.port.sweepStale();
  }

  /** Do the verdicts, the kernel and what neighbours were told agree? */
  verify(): Promise<unknown> {
    return this.port.request({ what: 'verify', advertised: this.advertised() });
  }

  /** NLRI of everything that some neighbour was told, except own networks: those need no next hop. */
  private advertised(): readonly [Uint8Array, Uint8Array] {
    const { tables, config } = this.context;
    const { prefixes } = tables;
    const told = new Uint8Array(prefixes.limit);
    for (const { voter, negotiated } of this.parts.neighbors) {
      if (negotiated === undefined) continue;
      for (let prefix = 1; prefix < prefixes.limit; prefix++) {
        if (voter.advertised(prefix) !== 0 && voter.verdict(prefix) !== 0) told[prefix] = 1;
      }
    }
    for (const network of config.router.networks) told[prefixes.findText(network)] = 0;
    const sizes = [0, 0];
    for (let prefix = 1; prefix < told.length; prefix++) {
      if (told[prefix] !== 0) sizes[prefixes.family(prefix)] += prefixes.nlriSize(prefix);
    }
    const nlri: [Uint8Array, Uint8Array] = [new Uint8Array(sizes[0]), new Uint8Array(sizes[1])];
    const at = [0, 0];
    for (let prefix = 1; prefix < told.length; prefix++) {
      if (told[prefix] === 0) continue;
      const family = prefixes.family(prefix);
      at[family] = prefixes.writeNlri(prefix, nlri[family], at[family]);
    }
    return nlri;
  }

  private installed({ installed, removed }: InstalledNlri): void {
    const { gate } = this.context;
    for (const family of FAMILIES) {
      gate?.note(family, removed[family], false);
      gate?.note(family, installed[family], true);
    }
  }
}
