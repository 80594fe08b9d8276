// One neighbour of the router: its session, its update voter and what goes back and forth between them.
// Owns the door check (RFC 7606), pacing, emission and End-of-RIB. The session's protocol is neighbors/, the votes are voter/,
// what replicas see of the neighbour is replica-port.ts.
import type { NeighborConfig } from '../configs/model.js';
import type { DownReason, Negotiated } from '../session/types.js';
import { UpdateVoter } from '../voter/update-voter.js';
import { toAs4 } from '../wire/bgp/as4.js';
import type { GracefulRestart } from '../wire/bgp/graceful-restart.js';
import { reencodeUpdate } from '../wire/bgp/reencode.js';
import { parseUpdate, UpdateView, type UpdateVerdict } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { FAMILIES, familyName, type Family } from '../wire/family.js';
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import { Emitter } from './emitter.js';
import { TreatedMessages } from './explain/treated-messages.js';
import type { SessionInfo, SessionRunner } from './io/session-runner.js';
import { Pacer } from './pacing.js';
import { downRecord, upRecord } from './session-records.js';
import type { NeighborStatus } from './status.js';
import { VoterJournal } from './voter-journal.js';
import { voterOptions } from './voter-options.js';

const MAX_MESSAGE = 4096;
const MAX_EXTENDED_MESSAGE = 65535;
/** Room in the session's output queue (of 256 KiB) that makes it worth while to pack another batch. */
const MIN_ROOM = 64 * 1024;
/** End-of-RIB waits that long for routes that the kernel has not taken; it may refuse some of them for ever, ms. */
const INSTALL_PATIENCE_MS = 10_000;

function total(counters: Readonly<Record<string, number>>): number {
  return Object.values(counters).reduce((sum, count) => sum + count, 0);
}

/** Told when the neighbour comes and goes, so that the replicas' sessions follow. */
export interface NeighborEvents {
  up(port: NeighborPort): void;
  down(port: NeighborPort): void;
  /** Something came in from the neighbour. */
  input(): void;
  /** Bytes per replica that wait for delivery, for the members of the electorate. */
  backlogs(port: NeighborPort): readonly number[];
}

export class NeighborPort {
  readonly index: number;
  /** Another object after a reload that changed it. */
  config: NeighborConfig;
  /** Of the session that is up; undefined while there is none. */
  negotiated: Negotiated | undefined;
  voter: UpdateVoter;
  upSince = 0;
  /** The last UPDATEs that were treated as withdrawals. */
  readonly treated = new TreatedMessages();
  private readonly context: RouterContext;
  private readonly events: NeighborEvents;
  private readonly pacer: Pacer;
  private readonly view = new UpdateView();
  private readonly translated = new ByteWriter(MAX_MESSAGE);
  private readonly journal: VoterJournal;
  private session!: SessionRunner;
  private emitter: Emitter | undefined;
  private endOfRibDue = false;
  /** Since when nothing but the gate keeps End-of-RIB from being sent, ms. */
  private gatedSince = Infinity;
  private flaps = 0;
  private lastError: string | null = null;
  private treatedAsWithdraw = 0;
  private maximumExceeded = 0;

  constructor(index: number, context: RouterContext, events: NeighborEvents) {
    this.index = index;
    this.config = context.config.neighbors[index];
    this.context = context;
    this.events = events;
    this.pacer = new Pacer(context.config.voting.hangThreshold);
    this.journal = new VoterJournal(context, index);
    this.voter = this.newVoter();
  }

  /** Its configuration is another one. What its session is made of counts when the pool has made it anew. */
  reconfigure(config: NeighborConfig): void {
    this.config = config;
    this.configure();
    if (config.removed !== true) return;
    // Its votes are nobody's any more.
    this.voter = this.newVoter();
    this.context.restart.neighborChanged(this.index);
  }

  /** Takes over what the configuration says of voting now. */
  configure(): void {
    const { voting } = this.context.config;
    this.pacer.configure(voting.hangThreshold);
    this.voter.configure(voterOptions(voting), voting.strategy);
  }

  attach(session: SessionRunner): void {
    this.session = session;
  }

  /** What the next OPEN to this neighbour says about graceful restart. */
  gracefulRestart(): GracefulRestart | undefined {
    return this.context.restart.offer(this.config.families);
  }

  /** Session callbacks. */
  established(negotiated: Negotiated): void {
    const { context } = this;
    this.negotiated = negotiated;
    this.upSince = now();
    this.voter = this.newVoter();
    this.voter.noteInput(this.upSince);
    context.abstentions.voterMade(this.voter, this.upSince);
    context.injections.voterMade(this.index, this.upSince);
    this.emitter = new Emitter(
      this.voter,
      context.tables,
      {
        as4: negotiated.as4,
        families: negotiated.families,
        maxMessage: negotiated.extendedMessage ? MAX_EXTENDED_MESSAGE : MAX_MESSAGE,
      },
      (family, attributes, agree, ids, from, to) => {
        const group = { family, attributes, agree, ids, from, to };
        const at = now();
        context.meters.decided(this.index, group, at);
        this.journal.decided(group, this.voter, at, this.upSince);
      },
      context.gate,
    );
    this.endOfRibDue = true;
    this.gatedSince = Infinity;
    this.lastError = null;
    context.meters.retold(this.index, this.upSince);
    context.restart.up(this.index, negotiated, this.upSince);
    context.replicator.neighborUp(this.index, negotiated.families, this.upSince);
    context.log.info(`neighbour ${this.config.address} (AS ${negotiated.peerAs}) is up`);
    context.voteLog.append(upRecord(this.upSince, this.config.address, negotiated));
    context.taps.neighborUp(this.index, negotiated, this.upSince);
    this.events.up(this);
    this.pace();
  }

  down(reason: DownReason): void {
    const at = now();
    this.negotiated = undefined;
    this.emitter = undefined;
    this.treated.clear();
    this.flaps++;
    this.lastError = reason.text;
    this.pacer.paused = false;
    this.context.restart.down(this.index);
    this.context.taps.neighborDown(this.index, reason, at);
    // The replicas' sessions close before the history goes, so that nothing is pulled from it in between.
    this.events.down(this);
    this.context.replicator.neighborDown(this.index, at);
    this.context.faults.neighborDown(this.index, at);
    this.context.log.warn(`neighbour ${this.config.address} is down: ${reason.text}`);
    this.context.voteLog.append(downRecord(at, this.config.address, 'down', reason));
  }

  failed(reason: DownReason): void {
    // Told once: it is tried again and again.
    if (reason.text !== this.lastError)
      this.context.voteLog.append(downRecord(now(), this.config.address, 'failed', reason));
    this.lastError = reason.text;
    this.context.log.info(`neighbour ${this.config.address}: ${reason.text}`);
  }

  /** A whole UPDATE from the neighbour: judged by its structure, kept in the history, handed on to the replicas. */
  update(message: Uint8Array, start: number, end: number): void {
    const { negotiated } = this;
    if (negotiated === undefined) return;
    const at = now();
    this.context.taps.received(this.index, message, start, end, at);
    const ebgp = this.config.peerAs !== this.context.config.router.as;
    const rules = { as4: negotiated.as4, ebgp, families: negotiated.families };
    const verdict = parseUpdate(message, start, end, rules, this.view);
    if (verdict.kind === 'reset') {
      this.session.resetWith({
        code: verdict.code,
        subcode: verdict.subcode,
        data: verdict.data,
        reason: verdict.reason,
      });
      return;
    }
    if (verdict.kind === 'treat-as-withdraw') {
      this.treated.note(message, start, end, verdict.reason, at);
      this.noteTreatAsWithdraw(verdict);
    }
    const { endOfRib } = this.view;
    if (negotiated.as4 || this.view.sectionCount === 0) {
      this.context.replicator.receive(this.index, message, start, end, this.view, verdict, at);
    } else {
      this.receiveTranslated(message, verdict, at);
    }
    this.noteProgress(endOfRib, at);
    this.events.input();
    this.context.schedule();
    this.checkMaximum();
  }

  routeRefresh(family: Family): void {
    const { prefixes } = this.context.tables;
    this.voter.redirty((prefix) => prefixes.family(prefix) === family);
    this.context.meters.retold(this.index, now());
    this.context.schedule();
  }

  writable(): void {
    if (this.voter.dirty > 0) this.context.schedule();
  }

  /** Sends what is dirty, at most one batch; returns true when there is more that could be sent now. */
  pump(): boolean {
    const { emitter } = this;
    if (emitter === undefined || this.session.writableBytes() < MIN_ROOM) return false;
    const bytes = emitter.next();
    if (bytes === undefined) return false;
    this.context.taps.advertised(this.index, bytes, now());
    return this.session.write(bytes);
  }

  /** What the passing of time asks for. `settled`: all members have worked off what they were given since the session came up. */
  tick(at: number, settled: boolean): void {
    // While the session is down nobody says anything, and silence must not be taken for an opinion.
    if (this.negotiated === undefined) return;
    if (this.voter.tick(at)) this.context.schedule();
    this.journal.record(this.voter, at);
    if (this.voter.dirty > 0) this.context.schedule();
    if (this.pacer.paused) {
      this.context.restart.unread(this.index, at);
      this.pace();
    }
    if (this.endOfRibDue && settled && this.voter.dirty === 0 && this.emitter !== undefined) {
      this.sendEndOfRib(this.emitter, at);
    }
  }

  /** Takes a prefix up again that the gate has held back. */
  requeue(prefix: number): void {
    if (this.negotiated !== undefined) this.voter.requeue(prefix);
  }

  /** Whether the neighbour holds a route of ours for the prefix. */
  holds(prefix: number): boolean {
    return this.emitter?.holds(prefix) ?? false;
  }

  /** Looks again at whether the replicas can take more from this neighbour. */
  pace(): void {
    if (this.negotiated === undefined) return;
    const was = this.pacer.paused;
    const pause = this.pacer.decide(this.events.backlogs(this), now());
    if (pause && !was) this.session.pauseReading();
    else if (!pause && was) this.session.resumeReading();
  }

  status(): NeighborStatus {
    const info = this.session.info();
    const { replicator } = this.context;
    return {
      address: this.config.address,
      as: this.config.peerAs,
      state: info.state,
      uptime: this.negotiated === undefined ? 0 : Math.round(now() - this.upSince) / 1000,
      flaps: this.flaps,
      prefixesIn: replicator.routeCount(this.index),
      prefixesOut: this.emitter?.held ?? 0,
      messagesIn: total(info.received),
      messagesOut: total(info.sent),
      paused: this.pacer.paused,
      gracefulRestart: this.negotiated?.gracefulRestart !== undefined,
      endOfRib: FAMILIES.filter((family) => replicator.hasEndOfRib(this.index, family)).map(familyName),
      lastError: this.lastError,
    };
  }

  /** What its session has counted, UPDATEs that were treated as withdrawals (RFC 7606), and resets because of maximum-prefixes. */
  traffic(): SessionInfo & { treatedAsWithdraw: number; maximumExceeded: number } {
    const { treatedAsWithdraw, maximumExceeded } = this;
    return { ...this.session.info(), treatedAsWithdraw, maximumExceeded };
  }

  /** Prefixes of one family: announced by the neighbour, and held by it. */
  prefixes(family: Family): { received: number; advertised: number } {
    const received = this.context.replicator.routeCount(this.index, family);
    return { received, advertised: this.emitter?.heldOf[family] ?? 0 };
  }

  private newVoter(): UpdateVoter {
    const { config, electorate, replicator, caughtUp } = this.context;
    const { voting } = config;
    return new UpdateVoter({
      replicas: config.replicas.length,
      electorate,
      strategy: voting.strategy,
      options: voterOptions(voting),
      inputTime: (prefix) => replicator.inputTime(prefix),
      caughtUp,
    });
  }

  /** A neighbour without 4-byte AS numbers: its paths are translated (RFC 6793), a named exception to byte-exact delivery. */
  private receiveTranslated(message: Uint8Array, verdict: UpdateVerdict, received: number): void {
    const { translated, view } = this;
    const families = this.negotiated!.families;
    translated.reset();
    if (verdict.kind === 'sound') toAs4(message, view, MAX_MESSAGE, translated);
    else reencodeUpdate(message, view, { families: ~0, maxMessageLength: MAX_MESSAGE, asWithdraw: true }, translated);
    const bytes = translated.buffer.subarray(0, translated.length);
    for (let at = 0; at < bytes.length;) {
      const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
      const again = parseUpdate(bytes, at, end, { as4: true, ebgp: true, families }, view);
      if (again.kind !== 'reset') this.context.replicator.receive(this.index, bytes, at, end, view, again, received);
      at = end;
    }
  }

  /**
   * At its reception a neighbour drops every route of ours that it has kept and not heard again: after a restart it has to wait until we
   * know all of them again.
   */
  private sendEndOfRib(emitter: Emitter, at: number): void {
    if (this.context.restart.restarting) return;
    this.gatedSince = Math.min(this.gatedSince, at);
    if (emitter.waits && at - this.gatedSince < INSTALL_PATIENCE_MS) return;
    this.endOfRibDue = false;
    const message = emitter.endOfRib();
    this.context.taps.advertised(this.index, message, at);
    this.session.write(message);
  }

  private noteProgress(endOfRib: Family | undefined, at: number): void {
    const { restart, replicator, log } = this.context;
    restart.size(this.index, replicator.routeCount(this.index), at);
    if (endOfRib === undefined) return;
    restart.endOfRib(this.index, endOfRib, at);
    log.debug(`neighbour ${this.config.address}: End-of-RIB of ${familyName(endOfRib)}`);
  }

  private noteTreatAsWithdraw(verdict: UpdateVerdict): void {
    this.treatedAsWithdraw++;
    const text = `neighbour ${this.config.address}: UPDATE treated as withdrawal (RFC 7606): ${verdict.reason}`;
    // A neighbour can send these as fast as its line allows: the log gets the first few, then every thousandth.
    if (this.treatedAsWithdraw <= 10 || this.treatedAsWithdraw % 1000 === 0) this.context.log.warn(text);
  }

  private checkMaximum(): void {
    const { maximumPrefixes } = this.config;
    if (maximumPrefixes === 0 || this.context.replicator.routeCount(this.index) <= maximumPrefixes) return;
    this.maximumExceeded++;
    const reason = `more than ${maximumPrefixes} prefixes (maximum-prefixes)`;
    this.session.resetWith({ code: 6, subcode: 1, data: new Uint8Array(0), reason });
  }
}
