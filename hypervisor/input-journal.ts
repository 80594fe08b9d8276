// What neighbours announce and withdraw, as lines of the vote log at level `all`, so that a prefix's story can be told from the log alone.
// Owns the kind `input`; at other levels it costs a comparison per message.
import type { DownReason, Negotiated } from '../session/types.js';
import { routeAttributesToAs4 } from '../wire/bgp/as4.js';
import { extractRouteAttributes } from '../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView, type UpdateSection, type UpdateVerdict } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { familyName } from '../wire/family.js';
import type { RouterContext } from './context.js';
import type { MessageTap } from './taps.js';
import { hex, plainRecord, textsOf } from './vote-records.js';

const KIND = 'input';

export class InputJournal implements MessageTap {
  private readonly context: Pick<RouterContext, 'config' | 'voteLog'>;
  private readonly sessions = new Map<number, Negotiated>();
  private readonly view = new UpdateView();
  private readonly cursor = new NlriCursor();
  private readonly raw = new Uint8Array(65_536);
  private readonly wide = new ByteWriter(4096);

  constructor(context: Pick<RouterContext, 'config' | 'voteLog'>) {
    this.context = context;
  }

  neighborUp(n: number, negotiated: Negotiated): void {
    this.sessions.set(n, negotiated);
  }

  neighborDown(n: number, _reason: DownReason): void {
    this.sessions.delete(n);
  }

  received(n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    const { voteLog, config } = this.context;
    if (!voteLog.wants(KIND)) return;
    const negotiated = this.sessions.get(n);
    if (negotiated === undefined) return;
    const { address, peerAs } = config.neighbors[n];
    const rules = { as4: negotiated.as4, ebgp: peerAs !== config.router.as, families: negotiated.families };
    const verdict = parseUpdate(buffer, start, end, rules, this.view);
    if (verdict.kind === 'reset') {
      voteLog.append(plainRecord(at, KIND, { neighbor: address, what: 'broken', reason: verdict.reason }));
      return;
    }
    for (let i = 0; i < this.view.sectionCount; i++) {
      const fields = this.section(buffer, this.view.sections[i], verdict, negotiated.as4);
      voteLog.append(plainRecord(at, KIND, { neighbor: address, ...fields }));
    }
  }

  /** Of no interest here: decisions and votes have lines of their own. */
  advertised(): void {}
  replicaUp(): void {}
  replicaDown(): void {}
  voted(): void {}

  /** One list of prefixes of the message, and what is said of them. */
  private section(buffer: Uint8Array, section: UpdateSection, verdict: UpdateVerdict, as4: boolean): object {
    const announced = section.kind === 'announce' && verdict.kind === 'sound';
    const family = familyName(section.family);
    const fields: Record<string, unknown> = {
      family,
      what: announced ? 'announce' : 'withdraw',
      prefixes: this.count(buffer, section),
      nlri: { [family]: hex(buffer.subarray(section.start, section.end)) },
    };
    const attributes = announced ? this.attributes(buffer, section.mp, as4) : null;
    fields.attributes = attributes && textsOf(attributes);
    fields.raw = attributes && hex(attributes);
    // RFC 7606: announced, and to be taken for a withdrawal.
    if (verdict.kind === 'treat-as-withdraw') fields.reason = verdict.reason;
    return fields;
  }

  private count(buffer: Uint8Array, { start, end, family }: UpdateSection): number {
    let count = 0;
    this.cursor.reset(buffer, start, end, family);
    while (this.cursor.next()) count++;
    return count;
  }

  /** As received, with four-octet AS numbers. */
  private attributes(buffer: Uint8Array, mp: boolean, as4: boolean): Uint8Array {
    const end = extractRouteAttributes(buffer, this.view, mp, this.raw, 0);
    if (as4) return this.raw.subarray(0, end);
    this.wide.reset();
    routeAttributesToAs4(this.raw, 0, end, this.wide);
    return this.wide.buffer.subarray(0, this.wide.length);
  }
}
