// A model of a neighbour: what it has announced (the truth that correct replicas must arrive at) and what it has been sent.
import { parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import type { Random } from './random.js';
import { FAMILIES } from './routes.js';
import type { Routes } from './routes.js';
import type { Input } from './scenario.js';

const BAD_ORIGIN = 7;
const FLAPS = 12;

const checked = new UpdateView();

export class ModelNeighbor {
  readonly index: number;
  up = false;
  /** Sessions lost, by the neighbour's own doing or by the router's. */
  flaps = 0;
  /** Flaps that the scenario asked for. */
  intendedFlaps = 0;
  /** What its session has told the router: prefix → attribute id. */
  readonly announced = new Map<number, number>();
  /** What the router has told it. */
  readonly received = new Map<number, number>();
  private readonly routes: Routes;
  private readonly random: Random;

  constructor(index: number, routes: Routes, random: Random) {
    this.index = index;
    this.routes = routes;
    this.random = random;
  }

  sessionUp(): void {
    this.up = true;
  }

  sessionDown(): void {
    this.up = false;
    this.flaps++;
    this.announced.clear();
    this.received.clear();
  }

  /** The messages of one input. */
  say(input: Input): Uint8Array[] {
    const prefix = this.random.pick(this.routes.ids);
    if (input === 'announce') return [this.announce(prefix)];
    if (input === 'withdraw') return [this.withdraw(prefix)];
    if (input === 'repeat') return [this.repeat(prefix)];
    if (input === 'flap') {
      return Array.from({ length: FLAPS }, (_, i) => (i % 2 === 0 ? this.announce(prefix) : this.withdraw(prefix)));
    }
    if (input === 'storm') return [...this.announced.keys()].map((id) => this.withdraw(id));
    if (input === 'broken') return [this.broken(prefix)];
    return input === 'end-of-rib' ? [this.routes.endOfRib()] : [];
  }

  /** Its whole table, at the beginning of a session. */
  sayAll(): Uint8Array[] {
    return this.routes.ids.filter(() => this.random.chance(0.7)).map((prefix) => this.announce(prefix));
  }

  private announce(prefix: number): Uint8Array {
    const attributes = this.routes.attributesOf(this.index, prefix, this.random.below(9));
    this.announced.set(prefix, this.routes.attributes.intern(attributes, 0, attributes.length));
    return this.routes.announcement(prefix, attributes);
  }

  private withdraw(prefix: number): Uint8Array {
    this.announced.delete(prefix);
    return this.routes.withdrawal(prefix);
  }

  private repeat(prefix: number): Uint8Array {
    const route = this.announced.get(prefix);
    if (route === undefined) return this.withdraw(prefix);
    return this.routes.announcement(prefix, this.routes.attributes.get(route).slice());
  }

  /** An announcement that RFC 7606 wants treated as a withdrawal. */
  private broken(prefix: number): Uint8Array {
    const attributes = this.routes.attributesOf(this.index, prefix, 0).slice();
    for (let at = 0; at < attributes.length; at += 3 + attributes[at + 2]) {
      if (attributes[at + 1] === 1) attributes[at + 3] = BAD_ORIGIN;
    }
    this.announced.delete(prefix);
    const message = this.routes.announcement(prefix, attributes);
    const { kind } = parseUpdate(message, 0, message.length, { as4: true, ebgp: true, families: FAMILIES }, checked);
    if (kind !== 'treat-as-withdraw') throw new Error(`the model's broken message is judged ${kind}`);
    return message;
  }
}
