// Plays one known-bug input to a running router, twice, and says what was wrong. The feeder sends good routes, the trigger and more good
// routes; the second neighbour, the kernel and the router's own status are watched all the time. Then the same trigger once more: nobody may
// be killed by the same message again.
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import { encodeKeepalive } from '../../wire/bgp/message.js';
import { encodeOpen } from '../../wire/bgp/open.js';
import { ALL_FAMILIES } from '../../wire/family.js';
import { routeDifferences } from '../support/kernel-routes.js';
import { address, asOf } from '../support/router-lab.js';
import { Book, FEEDER, SECOND } from './book.js';
import { bytesOf, feederOpen, messagesOf, type Trigger } from './corpus.js';
import type { BugDevice } from './device.js';
import { expectationOf, type Expectation } from './expectations.js';
import { CorpusPeer } from './peer.js';

const REPLICA_COUNT = 3;
/** Everything must be right within this time, and stay so for QUIET_MS: longer than a crash takes to be seen. */
const DEADLINE_MS = 30_000;
const QUIET_MS = 1000;
const POLL_MS = 50;

export interface PlayOptions {
  /** False: the trigger comes only once. */
  twice?: boolean;
}

type Counts = Record<string, number>;

export interface Outcome {
  /** What is wrong; empty when all is as expected. */
  findings: string[];
  /** How the feeder's session ended when the trigger was played; `up`. */
  session: string;
  /** The trigger's prefixes at the second neighbour in the end: a path, or null. */
  routes: Record<string, string | null>;
  /** Replicas that were started again when the trigger came first, and when it came again; those with 0 are left out. */
  restarts: Counts;
  again: Counts;
  /** Routes that were out for a moment and should not have been. */
  transient: string[];
}

/** The OPEN of the corpus's set-up, made here: for sessions in which the OPEN is not the point. */
function standardOpen(n: number): Uint8Array {
  const capabilities = makeCapabilities({ families: ALL_FAMILIES, routeRefresh: true, as: asOf(n) });
  return encodeOpen({ version: 4, as: asOf(n), holdTime: 180, routerId: address(n), capabilities });
}

/** Plays a trigger to a router whose replicas all vote. Throws only when a session that must come up does not. */
export async function playTrigger(device: BugDevice, trigger: Trigger, options: PlayOptions = {}): Promise<Outcome> {
  const { second_peer_open_hex: open } = trigger;
  await device.untilIdle();
  const second = await CorpusPeer.connect(SECOND, open === undefined ? standardOpen(SECOND) : bytesOf(open));
  try {
    return await new Scenario(device, trigger, second).play(options);
  } finally {
    second.close();
  }
}

class Scenario {
  private readonly device: BugDevice;
  private readonly trigger: Trigger;
  private readonly expectation: Expectation;
  private readonly book: Book;
  private readonly second: CorpusPeer;
  private feeder!: CorpusPeer;
  private readonly findings: string[] = [];
  private session = 'up';
  /** The feeder's session must be up now: it was not refused, or has been replaced by one with a sound OPEN. */
  private sessionUp: boolean;

  constructor(device: BugDevice, trigger: Trigger, second: CorpusPeer) {
    this.device = device;
    this.trigger = trigger;
    this.expectation = expectationOf(trigger.id, device.deliver, device.strategy);
    this.book = new Book(trigger, this.expectation);
    this.second = second;
    this.sessionUp = !this.refused;
  }

  /** The trigger is an OPEN that the router does not accept. */
  private get refused(): boolean {
    return this.expectation.session !== 'up' && this.trigger.open_capabilities.raw_open_hex !== undefined;
  }

  /** The feeder's session ends in between, and its routes with it. */
  private get interrupted(): boolean {
    return this.expectation.session !== 'up' || this.trigger.open_capabilities.raw_open_hex !== undefined;
  }

  async play({ twice = true }: PlayOptions): Promise<Outcome> {
    const firstEvent = (await this.device.routeEvents()).length;
    try {
      this.feeder = await CorpusPeer.connect(FEEDER, feederOpen(this.trigger));
      const restarts = await this.round('at first', 1);
      if (twice) await this.openAgain();
      const again = twice ? await this.round('again', 0) : {};
      await this.judgeKernelEvents(firstEvent);
      this.judgeUpdates();
      const { trigger_prefixes: prefixes } = this.trigger;
      const routes = Object.fromEntries(prefixes.map((p) => [p, this.second.table.get(p)?.path ?? null]));
      const transient = [...new Set(this.book.transient(this.second.events))];
      return { findings: this.findings, session: this.session, routes, restarts, again, transient };
    } finally {
      this.feeder?.close();
    }
  }

  /** Good routes, trigger, good routes. `mayRestart`: how often each replica may be started again meanwhile. Returns how often they were. */
  private async round(when: string, mayRestart: number): Promise<Counts> {
    const before = await this.device.restarts();
    if (this.feeder.up) this.sendGood('good-before');
    await this.settle(`${when}, before the trigger`, { quietMs: 0 });
    await this.sendTrigger(when);
    if (this.expectation.session !== 'up') await this.afterEnd(when);
    await this.settle(`${when}, after the trigger`);
    this.sendGood('good-after');
    await this.settle(`${when}, at the end`, { quietMs: QUIET_MS / 4 });
    const restarts = difference(await this.device.restarts(), before);
    for (const [name, n] of Object.entries(restarts)) {
      if (n > mayRestart) this.findings.push(`${when}: ${name} had to be started again, ${n} times`);
    }
    return restarts;
  }

  /** Where the OPEN is the trigger, it comes again, too. */
  private async openAgain(): Promise<void> {
    if (this.trigger.open_capabilities.raw_open_hex === undefined) return;
    const open = feederOpen(this.trigger);
    this.feeder.close();
    this.book.ended(open);
    this.sessionUp = false;
    await this.settle('before the OPEN comes again');
    this.feeder = await CorpusPeer.connect(FEEDER, open);
    this.sessionUp = !this.refused;
  }

  private async sendTrigger(when: string): Promise<void> {
    const heard = this.second.events.length;
    for (const message of messagesOf(this.trigger, 'trigger')) {
      (message.from === 'feeder' ? this.feeder : this.second).send(bytesOf(message.hex));
      this.book.sentTrigger(message);
      // The pauses are part of the input: some bugs are about time.
      await sleep((message.pause_after_s ?? 0.3) * 1000);
    }
    if (this.expectation.resent === undefined) return;
    const again = await this.until(() => {
      const announced = new Set(this.second.events.slice(heard).map(({ prefix }) => prefix));
      return this.trigger.good_prefixes_before.filter((p) => !p.includes(':')).every((p) => announced.has(p));
    });
    if (!again) this.findings.push(`${when}: the table was not sent again`);
  }

  /** The session was refused or has ended by the router's own NOTIFICATION, and its routes went with it. A sound one works at once. */
  private async afterEnd(when: string): Promise<void> {
    await this.until(() => !this.feeder.up);
    this.session = this.feeder.end ?? 'up';
    if (this.session !== this.expectation.session) this.findings.push(`${when}: the feeder's session: ${this.session}`);
    this.feeder.close();
    this.sessionUp = false;
    const open = standardOpen(FEEDER);
    this.book.ended(open);
    await this.settle(`${when}, after the session`);
    this.feeder = await CorpusPeer.establish(FEEDER, open);
    this.sessionUp = true;
    this.sendGood('good-before');
  }

  private sendGood(role: 'good-before' | 'good-after'): void {
    for (const { hex } of messagesOf(this.trigger, role)) this.feeder.send(bytesOf(hex));
    this.book.sentGood(role);
  }

  /** Waits until everything is as it should be, and has been for a while; what is not by the deadline is a finding. */
  private async settle(when: string, { quietMs = QUIET_MS } = {}): Promise<void> {
    for (const peer of [this.feeder, this.second]) if (peer.up) peer.send(encodeKeepalive());
    const deadline = performance.now() + DEADLINE_MS;
    let rightSince = Infinity;
    for (;;) {
      const problems = await this.problems();
      const now = performance.now();
      rightSince = problems.length === 0 ? Math.min(rightSince, now) : Infinity;
      if (now - rightSince >= quietMs) return;
      if (now >= deadline) {
        const found = problems.length === 0 ? ['does not come to rest'] : problems;
        this.findings.push(...found.map((text) => `${when}: ${text}`));
        return;
      }
      await sleep(POLL_MS);
    }
  }

  private async problems(): Promise<string[]> {
    const { second, feeder, book } = this;
    const status = await this.device.router.status();
    return [
      ...(second.up ? [] : [`the second neighbour's session: ${second.end}`]),
      ...(feeder.up || !this.sessionUp ? [] : [`the feeder's session: ${feeder.end}`]),
      ...tableDifferences(second, book.expectedTable()).map((text) => `second neighbour: ${text}`),
      ...routeDifferences(await this.device.routes(), book.expectedKernel()).map((text) => `kernel: ${text}`),
      ...(status.electorate.length === REPLICA_COUNT ? [] : [`only ${status.electorate.join(', ')} vote`]),
    ];
  }

  private judgeUpdates(): void {
    for (const peer of [this.second, this.feeder]) {
      this.findings.push(...peer.malformed.map((text) => `malformed, to neighbour ${peer.n}: ${text}`));
    }
    if (this.interrupted) return;
    const lost = this.second.events.filter(({ prefix, route }) => route === undefined && this.book.isGood(prefix));
    this.findings.push(...lost.map(({ prefix }) => `good route ${prefix} was withdrawn for a while`));
  }

  private async judgeKernelEvents(first: number): Promise<void> {
    for (const { deleted, prefix, hops, line } of (await this.device.routeEvents()).slice(first)) {
      const gone = deleted && this.book.isGood(prefix) && !this.interrupted;
      const wrong = !deleted && !this.book.mayForward(prefix, hops);
      if (gone || wrong) this.findings.push(`kernel, for a while: ${line}`);
    }
  }

  private async until(condition: () => boolean): Promise<boolean> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!condition() && performance.now() < deadline) await sleep(POLL_MS);
    return condition();
  }
}

function tableDifferences(peer: CorpusPeer, expected: ReadonlyMap<string, string>): string[] {
  const { table } = peer;
  const found: string[] = [];
  for (const [prefix, path] of expected) {
    const held = table.get(prefix)?.path;
    if (held !== path) found.push(`${prefix}: ${held ?? 'missing'}, should be ${path}`);
  }
  for (const [prefix, { path }] of table)
    if (!expected.has(prefix)) found.push(`${prefix}: ${path}, should not be there`);
  return found.slice(0, 5);
}

/** What has grown, and by how much. */
function difference(now: Counts, before: Counts): Counts {
  const grown = Object.entries(now).map(([name, n]): [string, number] => [name, n - (before[name] ?? 0)]);
  return Object.fromEntries(grown.filter(([, n]) => n > 0));
}
