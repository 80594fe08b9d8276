// Keeps the book of what the two neighbours have said so far, and reads out of it and the expectations what the second neighbour and the
// kernel must hold. Pure.
import type { KernelRoutes } from '../support/kernel-routes.js';
import { address, asOf, linkOf, ROUTER_AS } from '../support/router-lab.js';
import { bytesOf, feederOpen, messagesOf, type CorpusMessage, type Trigger } from './corpus.js';
import { fateOf, type Expectation } from './expectations.js';
import { Listener, type HeardEvent } from './heard.js';
import { corpusAddress6, speaksAs4 } from './peer.js';

export const FEEDER = 1;
export const SECOND = 2;

export class Book {
  private readonly trigger: Trigger;
  private readonly expectation: Expectation;
  /** What each neighbour said, its OPEN deciding how it is to be read. */
  private feeder: Listener;
  private readonly second = new Listener({ as4: true });
  private readonly good = new Set<string>();
  private triggered = false;
  /** Every path that was announced in a sound message, as `PREFIX PATH` at the second neighbour. */
  private readonly sound = new Set<string>();
  /** The ways to everybody who has announced a prefix in a sound message. */
  private readonly hops = new Map<string, Set<string>>();

  constructor(trigger: Trigger, expectation: Expectation) {
    this.trigger = trigger;
    this.expectation = expectation;
    this.feeder = new Listener({ as4: speaksAs4(feederOpen(trigger)) });
  }

  /** The feeder has sent its good routes. */
  sentGood(role: 'good-before' | 'good-after'): void {
    for (const message of messagesOf(this.trigger, role)) this.sent(message);
    const { good_prefixes_before: before, good_prefixes_after: after } = this.trigger;
    for (const prefix of role === 'good-before' ? before : after) this.good.add(prefix);
  }

  sentTrigger(message: CorpusMessage): void {
    this.triggered = true;
    this.sent(message);
  }

  /** The feeder's session is over; the next one begins with this OPEN. */
  ended(open: Uint8Array): void {
    this.feeder = new Listener({ as4: speaksAs4(open) });
    this.good.clear();
    this.triggered = false;
  }

  isGood(prefix: string): boolean {
    return this.good.has(prefix);
  }

  /** Path of each prefix that the second neighbour must hold, and of no other. */
  expectedTable(): Map<string, string> {
    const expected = new Map<string, string>();
    for (const prefix of this.prefixes()) {
      const told = this.good.has(prefix) || fateOf(this.expectation, prefix) === 'passed on';
      if (told) expected.set(prefix, this.pathOf(lastRoute(this.feeder.events, prefix)));
    }
    return expected;
  }

  expectedKernel(): KernelRoutes {
    const routes: KernelRoutes = new Map();
    for (const prefix of this.prefixes()) {
      const n = this.forwarder(prefix);
      if (n !== undefined) routes.set(prefix, hop(prefix, n));
    }
    return routes;
  }

  /** What is wrong about announcements and withdrawals, though it may have passed since. */
  transient(events: readonly HeardEvent[]): string[] {
    return events.flatMap(({ prefix, route }) => {
      if (route === undefined) return [];
      return this.sound.has(`${prefix} ${route.path}`) ? [] : [`${prefix} with path ${route.path}`];
    });
  }

  /** Whether a route in the kernel leads to somebody who has announced the prefix in a sound message. */
  mayForward(prefix: string, hops: string): boolean {
    return this.hops.get(prefix)?.has(hops) === true;
  }

  private sent({ from, hex }: CorpusMessage): void {
    const listener = from === 'feeder' ? this.feeder : this.second;
    const before = listener.events.length;
    listener.stream(bytesOf(hex));
    const n = from === 'feeder' ? FEEDER : SECOND;
    for (const { prefix, route } of listener.events.slice(before)) {
      if (route === undefined) continue;
      if (n === FEEDER) this.sound.add(`${prefix} ${this.pathOf(route.path)}`);
      this.hops.set(prefix, (this.hops.get(prefix) ?? new Set()).add(hop(prefix, n)));
    }
  }

  private prefixes(): Set<string> {
    const all = new Set(this.good);
    if (!this.triggered) return all;
    for (const prefix of this.trigger.trigger_prefixes) all.add(prefix);
    for (const { prefix } of [...this.feeder.events, ...this.second.events]) all.add(prefix);
    return all;
  }

  /** By whom a prefix is reached; undefined: it is not. */
  private forwarder(prefix: string): number | undefined {
    if (this.good.has(prefix)) return FEEDER;
    const fate = fateOf(this.expectation, prefix);
    if (fate === 'passed on' || fate === 'forwarded only') return FEEDER;
    return fate === 'second is best' ? SECOND : undefined;
  }

  /** The feeder's path as the second neighbour sees it. */
  private pathOf(path: string | undefined): string {
    const prepended = this.trigger.config_profile === 'rm' ? `${asOf(FEEDER)} ` : '';
    return `${ROUTER_AS} ${prepended}${path ?? '(never announced)'}`;
  }
}

function lastRoute(events: readonly HeardEvent[], prefix: string): string | undefined {
  return events.findLast((event) => event.prefix === prefix && event.route !== undefined)?.route?.path;
}

function hop(prefix: string, n: number): string {
  return `via ${prefix.includes(':') ? corpusAddress6(n) : address(n)} dev ${linkOf(n)}`;
}
