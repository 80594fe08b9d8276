// Fault injection: begins and ends faults of replicas, on request or at random, each with a number, a time and a line in the vote log. Owns
// which faults are in force; how they act is update-faults.ts (what neighbours are told), the forwarding table's thread, and
// process-faults.ts. Costs nothing while nothing is injected.
import { seededRandom } from '../../recovery/bug-model.js';
import type { UpdateVoter } from '../../voter/update-voter.js';
import type { VoteFaults } from '../../voter/vote-faults.js';
import { now } from '../clock.js';
import { plainRecord } from '../vote-records.js';
import { Campaign } from './campaign.js';
import { fibInjectionOf } from './fib-faults.js';
import { ProcessFaults, type Deliver } from './process-faults.js';
import { campaignRecord, campaignReport, recordOf, reportOf, type Entry } from './reports.js';
import { MAX_PREFIXES, parseInjectionRequest, parseRandomRequest } from './request.js';
import type { InjectionTargets } from './targets.js';
import { isVoteFault, type InjectionAnswer, type InjectionReport, type InjectionRequest } from './types.js';
import { UpdateFaults } from './update-faults.js';

/** Faults and sources of random ones in force at a time. */
export const MAX_INJECTIONS = 256;

type Params = Record<string, unknown>;

export class InjectionDesk {
  private readonly targets: InjectionTargets;
  private readonly updates: UpdateFaults;
  private readonly processes: ProcessFaults;
  private readonly entries = new Map<number, Entry>();
  private readonly campaigns = new Map<number, Campaign>();
  private readonly random: () => number;
  private nextId = 1;

  /** `seed`: of what is drawn for requests of operators. */
  constructor(targets: InjectionTargets, seed: number) {
    this.targets = targets;
    this.updates = new UpdateFaults({
      ...targets,
      get neighbors() {
        return targets.neighbors.length;
      },
    });
    this.processes = new ProcessFaults(targets.replicas);
    this.random = seededRandom(seed);
  }

  // --- on the way of what replicas say

  /** What votes about neighbour `n` go to. */
  ballots(n: number, voter: UpdateVoter): UpdateVoter | VoteFaults {
    return this.updates.ballots(n, voter);
  }

  /** Whether what replicas send must come by `pass`. */
  get delays(): boolean {
    return this.processes.delays;
  }

  pass(replica: number, message: Uint8Array, start: number, end: number, deliver: Deliver): void {
    this.processes.pass(replica, message, start, end, deliver);
  }

  // --- from operators: throw an Error for the user

  async inject(params: Params): Promise<InjectionAnswer> {
    const request = parseInjectionRequest(params, this.names);
    const { kind, replica } = request;
    if (kind === 'crash' || kind === 'reset') {
      return { injections: [], done: this.strikeOnce(request, 'operator', this.random) };
    }
    const entry = this.begin(request, 'operator', this.random);
    try {
      await this.tellFib(entry);
    } catch (error) {
      this.end(entry.id, 'the forwarding table refuses it');
      throw error;
    }
    this.targets.warn(`a fault is injected: ${this.targets.replicas[replica].name} ${kind} (btr inject list)`);
    return { injections: [reportOf(entry, this.targets)], done: null };
  }

  injectRandom(params: Params): InjectionAnswer {
    const request = parseRandomRequest(params, this.names);
    this.makeRoom();
    const campaign = new Campaign(this.nextId++, request, now());
    this.campaigns.set(campaign.id, campaign);
    this.targets.warn(`random faults are injected from now on (btr inject list)`);
    this.recordCampaign(campaign, 'begins');
    return { injections: [campaignReport(campaign)], done: null };
  }

  list(): InjectionReport[] {
    return [
      ...[...this.campaigns.values()].map((campaign) => campaignReport(campaign)),
      ...[...this.entries.values()].map((entry) => reportOf(entry, this.targets)),
    ];
  }

  /** `id`: one of them; undefined: all. A source of random faults takes its faults with it. Returns how many were ended. */
  clear({ id }: Params): { cleared: number } {
    const before = this.count;
    if (id === undefined) {
      for (const one of this.campaigns.keys()) this.endCampaign(one, 'cleared');
      for (const one of [...this.entries.keys()]) this.end(one, 'cleared');
    } else if (this.campaigns.has(Number(id))) this.endCampaign(Number(id), 'cleared');
    else if (this.entries.has(Number(id))) this.end(Number(id), 'cleared');
    else throw new Error(`there is no injected fault ${String(id)} (btr inject list)`);
    return { cleared: before - this.count };
  }

  /** Faults and sources of random ones in force. */
  get count(): number {
    return this.entries.size + this.campaigns.size;
  }

  // --- from the router

  tick(at: number): void {
    if (this.count === 0 && !this.processes.delays) return;
    for (const campaign of this.campaigns.values()) {
      campaign.tick(at, (request) => this.strike(request, campaign));
      if (at >= campaign.until) this.endCampaign(campaign.id, 'its time is over');
    }
    for (const { id, until } of this.entries.values()) if (at >= until) this.end(id, 'its time is over');
    this.processes.tick();
  }

  /** The voters have forgotten the replica, which starts anew: its faults are over, but for those that stay. */
  forgotten(replica: number, at: number): void {
    this.processes.forgotten(replica);
    this.updates.forgotten(replica, at);
    for (const { id, request } of this.entries.values()) {
      if (request.replica !== replica) continue;
      if (!request.sticky) this.end(id, 'the replica started anew');
      else if (request.kind === 'hang') this.processes.stopAgain(id, replica);
    }
  }

  /** A neighbour's session came up with a voter that knows nothing yet. */
  voterMade(n: number, at: number): void {
    this.updates.voterMade(n, this.targets.replicas.length, at);
  }

  markPrefixes(used: Uint8Array): void {
    this.updates.markPrefixes(used);
  }

  markAttributes(used: Uint8Array): void {
    this.updates.markAttributes(used);
  }

  /** The router stops: nobody stays stopped. */
  close(): void {
    this.processes.close();
  }

  // --- one fault

  private strike(request: InjectionRequest, campaign: Campaign): void {
    if (request.kind === 'crash' || request.kind === 'reset') {
      this.strikeOnce(request, campaign.id, campaign.random);
      return;
    }
    const entry = this.begin(request, campaign.id, campaign.random);
    this.tellFib(entry).catch((error: Error) => this.targets.warn(`injected fault ${entry.id}: ${error.message}`));
  }

  /** A fault that is over at once. */
  private strikeOnce(request: InjectionRequest, source: Entry['source'], random: () => number): string {
    const { replica, kind, neighbor } = request;
    const { neighbors, replicas } = this.targets;
    let done: string;
    if (kind === 'crash') done = this.processes.crash(request);
    else {
      const first = Math.floor(random() * neighbors.length);
      const all = neighbors.map((_, n) => (first + n) % neighbors.length);
      done = this.processes.reset(replica, neighbor === undefined ? all : [neighbor], neighbors);
    }
    const fields = { state: 'done', replica: replicas[replica].name, fault: kind, source, detail: done };
    this.targets.record(plainRecord(now(), 'injection', fields));
    return done;
  }

  /** Everything but what the forwarding table's thread has to do. */
  private begin(request: InjectionRequest, source: Entry['source'], random: () => number): Entry {
    this.makeRoom();
    const { fib, prefixes: table } = this.targets;
    const { kind, replica, where, neighbor, duration } = request;
    const at = now();
    const id = this.nextId;
    if (where === 'fib' && fib === undefined)
      throw new Error('this router has no forwarding table (fib.backend: none)');
    const prefixes = isVoteFault(kind) ? this.choose(request, random) : undefined;
    if (isVoteFault(kind) && where !== 'fib') {
      const set = prefixes === undefined ? undefined : new Set(prefixes);
      this.updates.begin({ ...request, kind, id, neighbor, prefixes: set }, at);
    } else if (kind === 'slow') this.processes.slowDown(id, replica, request.delay);
    else if (kind === 'hang') this.processes.stop(id, replica);
    const entry: Entry = {
      id,
      request,
      prefixes: prefixes?.map((prefix) => table.format(prefix)),
      since: at,
      until: at + (duration ?? Infinity),
      source,
      inFib: false,
    };
    this.nextId++;
    this.entries.set(id, entry);
    this.record(entry, 'begins');
    return entry;
  }

  private async tellFib(entry: Entry): Promise<void> {
    const { fib, replicas } = this.targets;
    const { id, request, prefixes } = entry;
    const injection = fibInjectionOf(request, prefixes, replicas[request.replica].fib);
    if (fib === undefined || injection === undefined) return;
    entry.inFib = true;
    await fib({ what: 'inject', replica: request.replica, id, injection });
  }

  private end(id: number, reason: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    const { replica } = entry.request;
    this.entries.delete(id);
    this.updates.end(id, now());
    this.processes.end(id);
    if (entry.inFib) {
      this.targets
        .fib?.({ what: 'inject', replica, id, injection: null })
        .catch((error: Error) => this.targets.warn(`injected fault ${id} cannot be ended: ${error.message}`));
    }
    this.record(entry, 'ends', reason);
  }

  private endCampaign(id: number, reason: string): void {
    const campaign = this.campaigns.get(id);
    if (campaign === undefined) return;
    this.campaigns.delete(id);
    for (const entry of this.entries.values()) if (entry.source === id) this.end(entry.id, `random faults: ${reason}`);
    this.recordCampaign(campaign, 'ends', reason);
  }

  /** Prefix ids; undefined for all. */
  private choose(request: InjectionRequest, random: () => number): number[] | undefined {
    const { prefixes: choice, replica, neighbor } = request;
    if (choice.how === 'named') {
      const ids = choice.prefixes.map((text) => this.targets.prefixes.parse(text));
      if (ids.includes(0)) throw new Error('the table of prefixes is full');
      return [...new Set(ids)];
    }
    const ids = this.updates.choose(choice, replica, neighbor, random);
    if (ids === undefined) return undefined;
    const { name } = this.targets.replicas[replica];
    if (ids.length === 0) throw new Error(`${name} announces nothing to choose from: name the prefixes`);
    if (ids.length > MAX_PREFIXES)
      throw new Error(`these are ${ids.length} prefixes (at most ${MAX_PREFIXES}, or all)`);
    return ids;
  }

  private makeRoom(): void {
    if (this.count >= MAX_INJECTIONS) throw new Error(`${MAX_INJECTIONS} faults are injected by now: clear some first`);
  }

  private get names(): { replicas: string[]; neighbors: readonly string[] } {
    return { replicas: this.targets.replicas.map(({ name }) => name), neighbors: this.targets.neighbors };
  }

  private record(entry: Entry, state: 'begins' | 'ends', reason?: string): void {
    this.targets.record(recordOf(entry, this.targets, state, reason));
  }

  private recordCampaign(campaign: Campaign, state: 'begins' | 'ends', reason?: string): void {
    this.targets.record(campaignRecord(campaign, state, reason));
  }
}
