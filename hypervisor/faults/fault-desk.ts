// Where everything that speaks against a replica is brought together: dissent from the voters, system events, and what the forwarding
// table's votes say. Owns the wiring of voter/faults/ to the running router, and what the logs and `btr faults` say of findings; what
// follows from a finding is recovery's business.
import type { RouterConfig } from '../../configs/model.js';
import { FaultLedger, type Dissent } from '../../voter/faults/fault-ledger.js';
import type { FindingNews } from '../../voter/faults/finding-book.js';
import { knownDifference, knownRefusal, type Daemon } from '../../voter/faults/known-differences.js';
import type { FaultCounts, Finding, PersistentDissent, Place, SystemFault } from '../../voter/faults/types.js';
import { describeFinding } from '../../voter/faults/words.js';
import type { VoterEvent } from '../../voter/types.js';
import type { UpdateVoter } from '../../voter/update-voter.js';
import { wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { FaultsAnswer } from '../status.js';
import { faultRecord, findingReport } from './finding-records.js';

export type FaultDeskParts = Pick<
  RouterContext,
  'config' | 'log' | 'voteLog' | 'meters' | 'records' | 'electorate' | 'replicator' | 'fib'
>;

/** A finding that opens again and again is told of in the log that often, ms. */
const TOLD_AGAIN_MS = 60_000;
/** How long the end of a process may be waited for after it closed a session, ms. */
const EXIT_MS = 2000;

/** Explains dissent of replicas that do not have the same configuration yet. */
const RELOAD = 'reload';

export interface FaultQuery {
  /** Name of a replica. */
  replica?: unknown;
  /** Known differences, too. */
  all?: unknown;
}

export class FaultDesk {
  private readonly parts: FaultDeskParts;
  private readonly ledger: FaultLedger;
  private readonly daemons: readonly Daemon[];
  /** By finding: when the log told of it last, ms. */
  private readonly toldAt = new Map<number, number>();
  /** By replica: the session that it closed, as long as nothing is known of its end. */
  private readonly closed = new Map<number, SystemFault>();
  /** The voters of the neighbours that are up. */
  private readonly voters = new Map<number, UpdateVoter>();
  /** Not all replicas have the same configuration now. */
  private mixed = false;
  /** The last dissent that was explained, or not, by its attributes alone: many prefixes share them. */
  private explained: { key: string; names: readonly string[] | undefined } = { key: '', names: undefined };

  constructor(parts: FaultDeskParts) {
    this.parts = parts;
    const { config, records, electorate, fib } = parts;
    this.daemons = config.replicas.map((replica) => ({ kind: replica.kind, netlink: replica.fib === 'netlink' }));
    this.ledger = new FaultLedger(
      config.replicas.length,
      {
        isVoting: (r) => electorate.has(r),
        attributes: (id) => (id === 0 ? null : records.attributes.get(id).slice()),
        prefixText: (id) => records.prefixes.format(id),
        findPrefix: (text) => records.prefixes.findText(text),
        placeText: (place) => this.placeText(place),
        explain: (dissent) => this.explain(dissent),
        explainRefusal: (r, prefix) => knownRefusal(this.daemons[r], this.inputs(records.prefixes.findText(prefix))),
      },
      ledgerOptionsOf(config),
    );
    fib?.on('dissents', ({ open, at }) => open && !this.mixed && this.ledger.forwarded(open, at));
  }

  /**
   * Replicas run with different configurations, or do no longer: what differs meanwhile is no fault of anybody's (it is shown as the known
   * difference `reload`), and what is left of it afterwards is judged anew.
   */
  setMixed(mixed: boolean, now: number): void {
    if (this.mixed === mixed) return;
    this.mixed = mixed;
    this.explained = { key: '', names: undefined };
    if (mixed) this.ledger.forwarded([], now);
    else this.ledger.judgeAnew(now);
  }

  /** Takes over what the configuration says now. */
  configure(): void {
    this.ledger.configure(ledgerOptionsOf(this.parts.config));
  }

  /** A system event of a replica, told before anything is done about it. */
  system(fault: SystemFault): void {
    // A closed session may be the first sign of a crash: that becomes known with the end of the process.
    if (fault.cause === 'session') this.closed.set(fault.replica, fault);
    else this.ledger.system(fault);
  }

  /** The processes of replica `r` have ended, by themselves or because they were killed for what `system` told. */
  exited(r: number, signal: NodeJS.Signals | null, text: string): void {
    const fault = this.closed.get(r);
    if (fault === undefined) return;
    this.closed.delete(r);
    this.ledger.system(causeOf(fault, signal, text));
  }

  /** What has happened in the voter of neighbour `n` since the last call. */
  voted(n: number, voter: UpdateVoter, events: readonly VoterEvent[], now: number): void {
    this.voters.set(n, voter);
    this.ledger.voted(n, voter, events, now);
  }

  /** The session of neighbour `n` is down. */
  neighborDown(n: number, now: number): void {
    this.voters.delete(n);
    this.ledger.placeGone(n, now);
  }

  /** What speaks against replica `r` for longer than the fault threshold; undefined when nothing does. Cheap. */
  persistent(r: number, now: number): PersistentDissent | undefined {
    return this.ledger.persistent(r, now);
  }

  tick(now: number): void {
    for (const [r, fault] of this.closed) {
      if (now - fault.at < EXIT_MS) continue;
      this.closed.delete(r);
      this.ledger.system(fault);
    }
    this.ledger.tick(now);
    for (const news of this.ledger.takeNews()) this.tell(news, now);
  }

  counts(r: number): FaultCounts {
    return this.ledger.counts(r);
  }

  /** The open finding that the dissent of replica `r` towards neighbour `n` on a prefix belongs to, and since when, ms. */
  dissentOn(r: number, n: number, prefix: number): { finding: Finding; since: number } | undefined {
    return this.ledger.dissentOn(r, n, prefix);
  }

  /** The answer to `btr faults`, but for the patterns. Throws an Error for the user. */
  report({ replica, all }: FaultQuery): Omit<FaultsAnswer, 'patterns'> {
    const { replicas } = this.parts.records;
    const r = replica === undefined ? undefined : replicas.indexOf(String(replica));
    if (r !== undefined && r < 0) throw new Error(`there is no replica "${String(replica)}"`);
    const asked = this.ledger.findings().filter((finding) => r === undefined || finding.replica === r);
    const findings = asked.filter(({ kind }) => all === true || kind !== 'known-difference');
    let [oscillating, withoutMajority] = [0, 0];
    for (const voter of this.voters.values()) {
      oscillating += voter.stats().oscillating;
      withoutMajority += voter.stats().withoutMajority;
    }
    return {
      findings: findings.map((finding) => findingReport(finding, this.parts)),
      knownDifferences: asked.length - findings.length,
      oscillating,
      withoutMajority,
    };
  }

  private tell({ type, finding }: FindingNews, now: number): void {
    const { log, voteLog, records } = this.parts;
    this.parts.meters.finding(type, finding);
    voteLog.append(faultRecord(type, finding, now, this.parts));
    // System events are told by who takes care of the replica.
    if (type === 'ends' || finding.kind === 'system') return;
    if (now - (this.toldAt.get(finding.id) ?? -Infinity) < TOLD_AGAIN_MS) return;
    for (const [id, at] of this.toldAt) if (now - at >= TOLD_AGAIN_MS) this.toldAt.delete(id);
    this.toldAt.set(finding.id, now);
    const name = records.replicas[finding.replica];
    const text = `replica ${name} ${describeFinding(finding, this.placeText(finding.place ?? 'fib'))}`;
    if (finding.kind === 'known-difference') log.info(text);
    else log.warn(`${text} (since ${wallClock(finding.first)}; btr faults --replica ${name})`);
  }

  private placeText(place: Place): string {
    return place === 'fib' ? 'in the forwarding table' : `towards ${this.parts.config.neighbors[place].address}`;
  }

  private explain({ replica, prefix, vote, majority, agreeing }: Dissent): readonly string[] | undefined {
    if (this.mixed) return [RELOAD];
    const byAttributes = vote !== 0 && majority !== 0;
    const key = `${replica} ${vote} ${majority} ${agreeing}`;
    if (byAttributes && key === this.explained.key) return this.explained.names;
    const { attributes } = this.parts.records;
    const names = knownDifference({
      by: this.daemons[replica],
      vote: vote === 0 ? undefined : attributes.get(vote),
      majority: majority === 0 ? undefined : attributes.get(majority),
      agreeing: this.daemons.filter((_, r) => (agreeing >>> r) & 1),
      inputs: () => this.inputs(prefix),
    });
    if (byAttributes) this.explained = { key, names };
    return names;
  }

  /** What neighbours announced for a prefix. */
  private inputs(prefix: number): Uint8Array[] {
    const { config, records, replicator } = this.parts;
    return config.neighbors
      .map((_, n) => replicator.route(n, prefix))
      .filter((id) => id !== 0)
      .map((id) => records.attributes.get(id));
  }
}

/** One more than what is few can be told from what is counted. */
function ledgerOptionsOf({ voting, recovery }: RouterConfig): { faultThreshold: number; countUpTo: number } {
  return { faultThreshold: voting.faultThreshold, countUpTo: Math.max(1000, recovery.fewPrefixes + 1) };
}

/**
 * Why a replica closed a session: it crashed, or somebody killed it. A signal that we send because of the session comes only after it, when
 * nothing was ending yet.
 */
export function causeOf(fault: SystemFault, signal: NodeJS.Signals | null, text: string): SystemFault {
  const killed = signal === 'SIGKILL' || signal === 'SIGTERM';
  if (killed && fault.dying !== true) return fault;
  const { replica, at } = fault;
  return { replica, at, cause: killed ? 'killed' : 'crash', reason: `${text} (${fault.reason})` };
}
