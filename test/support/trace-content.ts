// What a trace says in the end, for the prefixes that a customer did not get: which routes for them the neighbours hold, and the rule that
// refuses each. A second opinion on the daemons' filters that shares no code with the generators. Reads traces; knows no daemon.
import { covers } from '../../configs/parsers.js';
import { ALWAYS_REFUSED, STANDARD_MARTIANS } from '../../configs/schema/acceptance.js';
import { TraceDecoder, isUpdate, type RibRoute } from '../../traces/decoder.js';
import { readTrace } from '../../traces/reader.js';
import { routeAttributesToAs4 } from '../../wire/bgp/as4.js';
import { describeAttributes } from '../../wire/bgp/describe.js';
import { extractRouteAttributes } from '../../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { ALL_FAMILIES, type Family } from '../../wire/family.js';
import { PrefixTable } from '../../wire/prefix-table.js';
import type { Routes, TraceScenario } from './trace-lab.js';

/** A prefix that neighbours hold a route for and the customer does not, with why, as far as the rules tell. */
export interface Refused {
  prefix: string;
  reasons: string[];
}

export const UNEXPLAINED = 'no rule known';

/** The prefixes of the scenario that are not among `kept`. `loops`: AS numbers that make a path a loop, ours and the customer's. */
export async function refusedPrefixes(
  { files, neighbors, limit = Infinity }: TraceScenario,
  kept: Routes,
  loops: readonly number[],
): Promise<Refused[]> {
  const content = new TraceContent(new Set(neighbors.map(({ peer }) => peer)), kept, limit);
  for (const file of files) await content.read(file);
  return [...content.left].map(([prefix, routes]) => {
    const all = new Set([...routes.values()].map((attributes) => reason(prefix, attributes, loops)));
    // The route that is best decides, and which one that is only the daemons know: what explains any of them will do.
    if (all.size > 1) all.delete(UNEXPLAINED);
    return { prefix, reasons: [...all] };
  });
}

function reason(prefix: string, attributes: Uint8Array, loops: readonly number[]): string {
  const text = Object.fromEntries(describeAttributes(attributes).map(({ name, text: value }) => [name, value]));
  const path = (text['AS_PATH'] ?? '').split(/[^0-9]+/);
  const loop = loops.find((as) => path.includes(String(as)));
  const communities = (text['COMMUNITIES'] ?? '').split(' ');
  if (prefix === '0.0.0.0/0' || prefix === '::/0') return 'default route';
  const martian = [...ALWAYS_REFUSED, ...STANDARD_MARTIANS].find((range) => covers(range, prefix));
  if (martian !== undefined) return `martian: ${martian}`;
  if (loop !== undefined) return `loop: AS ${loop} in the path`;
  if (path.includes('0')) return 'AS 0 in the path';
  return ['no-export', 'no-advertise', 'blackhole'].find((name) => communities.includes(name)) ?? UNEXPLAINED;
}

class TraceContent {
  /** Prefix to the routes of the neighbours (by address) that were not withdrawn. */
  readonly left = new Map<string, Map<string, Uint8Array>>();
  private readonly decoder: TraceDecoder;
  private readonly wanted: ReadonlySet<string>;
  private readonly kept: Routes;
  private readonly limit: number;
  private readonly played = new Map<string, number>();
  private readonly prefixes = new PrefixTable();
  private readonly view = new UpdateView();
  private readonly cursor = new NlriCursor();
  private readonly raw = new Uint8Array(1 << 16);

  constructor(wanted: ReadonlySet<string>, kept: Routes, limit: number) {
    this.wanted = wanted;
    this.kept = kept;
    this.limit = limit;
    this.decoder = new TraceDecoder({
      wants: ({ address }) => this.wanted.has(address),
      route: ({ address }, route) => this.route(address, route),
      message: ({ address }, buf, start, end, as4) => this.message(address, buf, start, end, as4),
    });
  }

  async read(file: string): Promise<void> {
    await readTrace(file, (record) => void this.decoder.visit(record));
  }

  private route(peer: string, { family, nlri, nlriStart, attributes, attributesStart, attributesEnd }: RibRoute): void {
    const played = (this.played.get(peer) ?? 0) + 1;
    this.played.set(peer, played);
    if (played > this.limit) return;
    const text = this.text(family, nlri, nlriStart + 1, nlri[nlriStart]);
    this.set(peer, text, attributes.slice(attributesStart, attributesEnd));
  }

  private message(peer: string, buf: Uint8Array, start: number, end: number, as4: boolean): void {
    if (!isUpdate(buf, start, end)) return;
    const { view, cursor } = this;
    const verdict = parseUpdate(buf, start, end, { as4, ebgp: false, families: ALL_FAMILIES }, view);
    if (verdict.kind === 'reset') return;
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i];
      const announced = section.kind === 'announce' && verdict.kind === 'sound';
      const attributes = announced ? this.attributes(buf, section.mp, as4) : undefined;
      cursor.reset(buf, section.start, section.end, section.family);
      while (cursor.next()) this.set(peer, this.text(section.family, buf, cursor.at, cursor.bits), attributes);
    }
  }

  private attributes(buf: Uint8Array, mp: boolean, as4: boolean): Uint8Array {
    const length = extractRouteAttributes(buf, this.view, mp, this.raw, 0);
    if (as4) return this.raw.slice(0, length);
    const translated = new ByteWriter();
    routeAttributesToAs4(this.raw, 0, length, translated);
    return translated.buffer.slice(0, translated.length);
  }

  private text(family: Family, buf: Uint8Array, at: number, bits: number): string {
    return this.prefixes.format(this.prefixes.intern(family, buf, at, bits));
  }

  private set(peer: string, prefix: string, attributes: Uint8Array | undefined): void {
    if (this.kept.has(prefix)) return;
    const routes = this.left.get(prefix) ?? new Map<string, Uint8Array>();
    if (attributes === undefined) routes.delete(peer);
    else routes.set(peer, attributes);
    if (routes.size === 0) this.left.delete(prefix);
    else this.left.set(prefix, routes);
  }
}
