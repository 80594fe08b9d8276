// Records for the benchmark of the vote log: made by the router's own journals, about the prefixes and attributes of a real table (or a generated
// one), in a mix that a router at level `all` with one bad replica could write. The same records for the same seed. Owns the mix. So many
// different ones are made; after that they come again, at other times, for making one costs more than writing it.
import { readFileSync } from 'node:fs';
import { BallotJournal, type BallotWords } from '../hypervisor/ballot-journal.js';
import { DecisionJournal } from '../hypervisor/decision-journal.js';
import { attributesAsObject, cutDifferences, nlriByFamily, plainRecord } from '../hypervisor/vote-records.js';
import { seededRandom } from '../recovery/bug-model.js';
import type { Rule, VoterEvent } from '../voter/types.js';
import { AttributeTable } from '../wire/attribute-table.js';
import { Canonicaliser } from '../wire/bgp/canonical.js';
import { diffAttributes } from '../wire/bgp/describe.js';
import { MARKER_LENGTH } from '../wire/bgp/message.js';
import { extractRouteAttributes } from '../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView } from '../wire/bgp/update.js';
import { IPV4_UNICAST } from '../wire/family.js';
import { PrefixTable } from '../wire/prefix-table.js';

export const REPLICA_NAMES = ['frr', 'bird', 'openbgpd'];
export const NEIGHBOR_ADDRESSES = Array.from({ length: 8 }, (_, i) => `192.0.2.${i + 1}`);
/** Of the time that the log spans, ms. */
export const SPAN_MS = 30 * 86_400_000;

/** Different records. */
const DIFFERENT = 200_000;

/** Prefixes of one UPDATE of the table. */
interface Group {
  ids: Uint32Array;
  attributes: number;
}

/** How many of a thousand records are of each kind. */
const MIX: readonly [string, number][] = [
  ['decision', 520],
  ['input', 120],
  ['dissent-begins', 150],
  ['dissent-ends', 140],
  ['verdict', 40],
  ['no-majority', 6],
  ['fib-refused', 6],
  ['fib-recovered', 5],
  ['fault-begins', 3],
  ['fault-ends', 3],
  ['replica', 4],
  ['session', 2],
  ['alarm', 1],
];

const FROM_KIND = /"kind".*/s;

/** What the journals ask a voter; set before each line. */
class Ballot {
  route = 0;
  said: readonly number[] = [];
  by: Rule = 'majority';
  verdict = (): number => this.route;
  rule = (): Rule => this.by;
  currentVote = (r: number): number => this.said[r];
  hasSay = (): boolean => true;
  agreement = (): number => this.said.reduce((mask, id, r) => mask | (id === this.route ? 1 << r : 0), 0);
}

export class LogGenerator {
  readonly prefixes = new PrefixTable({ initialCapacity: 1 << 20 });
  private readonly attributes = new AttributeTable();
  private readonly groups: Group[] = [];
  private readonly random: () => number;
  private readonly ballot = new Ballot();
  private readonly journals: { ballots: BallotJournal; decisions: DecisionJournal }[];
  private input = 0;
  private findings = 0;
  /** Records from their kind on, behind version and times. */
  private readonly made: string[] = [];

  /** `updates`: a file of encoded UPDATEs (bench/input.ts). */
  constructor(updates: string, seed: number) {
    this.random = seededRandom(seed);
    this.read(readFileSync(updates));
    this.journals = NEIGHBOR_ADDRESSES.map((address) => {
      const words = this.words(address);
      return { ballots: new BallotJournal(words), decisions: new DecisionJournal(words) };
    });
  }

  /** One more record of time `at`, ms since the log's beginning. */
  line(at: number): string {
    const { made } = this;
    if (made.length >= DIFFERENT)
      return plainRecord(at, '', {}).replace(FROM_KIND, () => made[this.below(made.length)]);
    const line = this.make(at);
    made.push(FROM_KIND.exec(line)![0]);
    return line;
  }

  private make(at: number): string {
    const { random } = this;
    const kind = this.kind();
    const neighbor = this.below(NEIGHBOR_ADDRESSES.length);
    const group = this.groups[this.below(this.groups.length)];
    this.input = at - 1 - 400 * random() ** 4;
    switch (kind) {
      case 'decision':
        return this.decision(at, neighbor, group);
      case 'input':
        return this.announcement(at, neighbor, group);
      case 'dissent-begins':
      case 'dissent-ends':
      case 'verdict':
      case 'no-majority':
        return this.contest(kind, at, neighbor, group);
      default:
        return this.other(kind, at, neighbor, group);
    }
  }

  private below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private kind(): string {
    let at = this.random() * 1000;
    return MIX.find(([, weight]) => (at -= weight) < 0)?.[0] ?? MIX[0][0];
  }

  private words(neighbor: string): BallotWords {
    const { attributes, prefixes } = this;
    const route = (id: number): Record<string, string> | null => attributesAsObject(attributes, id);
    return {
      place: { neighbor },
      strategy: 'continuous-majority',
      replicas: REPLICA_NAMES,
      prefixes,
      route,
      attributes: route,
      raw: (id) => attributes.get(id),
      diff: (left, right) =>
        cutDifferences(diffAttributes(attributes.get(left).slice(), attributes.get(right).slice())),
      lastInput: () => this.input,
    };
  }

  private decision(at: number, neighbor: number, { ids, attributes }: Group): string {
    const { ballot, random } = this;
    ballot.route = random() < 0.06 ? 0 : attributes;
    // Two of them have said it; the third is mostly just later.
    const late = this.below(6);
    ballot.said = REPLICA_NAMES.map((_, r) => (r === late ? 0 : ballot.route));
    const shared = { family: IPV4_UNICAST, attributes: ballot.route, agree: ballot.agreement() } as const;
    const group = { ...shared, ids, from: 0, to: ids.length };
    return this.journals[neighbor].decisions.lines(group, ballot, at, 0)[0];
  }

  private announcement(at: number, neighbor: number, { ids, attributes }: Group): string {
    return plainRecord(at, 'input', {
      neighbor: NEIGHBOR_ADDRESSES[neighbor],
      family: 'ipv4-unicast',
      what: 'announce',
      prefixes: ids.length,
      nlri: nlriByFamily(this.prefixes, ids),
      attributes: attributesAsObject(this.attributes, attributes),
      raw: Buffer.from(this.attributes.get(attributes)).toString('hex'),
    });
  }

  private contest(
    type: 'dissent-begins' | 'dissent-ends' | 'verdict' | 'no-majority',
    at: number,
    n: number,
    g: Group,
  ) {
    const { ballot, random } = this;
    const prefix = g.ids[this.below(g.ids.length)];
    const majority = g.attributes;
    const missing = random() < 0.4;
    const vote = missing ? 0 : this.groups[this.below(this.groups.length)].attributes;
    // Bird is the bad one.
    const replica = random() < 0.8 ? 1 : this.below(3);
    ballot.route = majority;
    ballot.said = REPLICA_NAMES.map((_, r) => (r === replica ? vote : majority));
    const event: VoterEvent =
      type === 'verdict'
        ? { type, prefix, from: vote, to: majority, rule: 'majority', agree: ballot.agreement(), at }
        : type === 'no-majority'
          ? { type, prefix, voters: 7, at }
          : { type, prefix, replica, kind: missing ? 'missing' : 'different', vote, majority, since: at - 1000, at };
    return this.journals[n].ballots.lines([event], ballot)[0];
  }

  private other(kind: string, at: number, n: number, { ids }: Group): string {
    const { random } = this;
    const replica = REPLICA_NAMES[this.below(3)];
    const neighbor = NEIGHBOR_ADDRESSES[n];
    const prefix = this.prefixes.format(ids[0]);
    switch (kind) {
      case 'fib-refused':
      case 'fib-recovered': {
        const error = kind === 'fib-refused' ? { error: 'ENETUNREACH' } : {};
        return plainRecord(at, kind, {
          fib: true,
          ...error,
          family: 'ipv4-unicast',
          prefix,
          route: 'via 192.0.2.1 dev r1',
        });
      }
      case 'fault-begins':
      case 'fault-ends': {
        const base = {
          id: ++this.findings,
          replica,
          what: 'different',
          place: neighbor,
          first: new Date(at).toISOString(),
        };
        return plainRecord(at, kind, { ...base, prefixes: ids.length, samples: [prefix] });
      }
      case 'replica':
        return plainRecord(at, kind, {
          replica,
          state: random() < 0.5 ? 'left' : 'voting',
          reason: 'exited (SIGSEGV)',
        });
      case 'session':
        return plainRecord(at, kind, { neighbor, state: 'down', reason: 'hold timer expired' });
      default:
        return plainRecord(at, kind, { alarm: 'quorum', state: 'raised', text: 'two of three replicas vote' });
    }
  }

  private read(bytes: Uint8Array): void {
    const { prefixes, attributes } = this;
    const view = new UpdateView();
    const cursor = new NlriCursor();
    const canonicaliser = new Canonicaliser();
    const [raw, canonical] = [new Uint8Array(65_536), new Uint8Array(131_072)];
    const rules = { as4: true, ebgp: true, families: 1 << IPV4_UNICAST };
    for (let start = 0, end; start < bytes.length; start = end) {
      end = start + ((bytes[start + MARKER_LENGTH] << 8) | bytes[start + MARKER_LENGTH + 1]);
      if (parseUpdate(bytes, start, end, rules, view).kind !== 'sound' || view.sectionCount === 0) continue;
      const length = canonicaliser.canonicalise(
        raw,
        0,
        extractRouteAttributes(bytes, view, false, raw, 0),
        IPV4_UNICAST,
        canonical,
      );
      const section = view.sections[0];
      cursor.reset(bytes, section.start, section.end, section.family);
      const ids: number[] = [];
      while (cursor.next()) ids.push(prefixes.intern(section.family, bytes, cursor.at, cursor.bits));
      this.groups.push({ ids: Uint32Array.from(ids), attributes: attributes.intern(canonical, 0, length) });
    }
  }
}
