// The forms in which a neighbour's messages are handed on: mostly one, its own bytes. A session that carries only some of the families, or
// whose messages must be shorter, or that shall not see broken or unusual messages, gets what differs in a rewritten form of its own.
import { UpdatePacker } from '../wire/bgp/pack.js';
import { reencodeUpdate } from '../wire/bgp/reencode.js';
import { SOUND } from '../wire/bgp/update.js';
import type { UpdateVerdict, UpdateView } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { MessageLog } from './message-log.js';
import { normaliseAttributes } from './normalise.js';
import type { Delivery } from './types.js';

export class Variant {
  readonly log = new MessageLog();
  /** Bitmask of the families that it carries, out of those of the neighbour. */
  readonly families: number;
  readonly maxMessageLength: number;
  private readonly partial: boolean;
  private readonly deliver: Delivery;
  private readonly scratch = new ByteWriter();
  private readonly packer: UpdatePacker;

  constructor(families: number, neighborFamilies: number, maxMessageLength: number, deliver: Delivery) {
    this.families = families & neighborFamilies;
    this.maxMessageLength = maxMessageLength;
    this.partial = this.families !== neighborFamilies;
    this.deliver = deliver;
    this.packer = new UpdatePacker(maxMessageLength);
  }

  /** Raw route attributes in the form in which they are handed on: a view, valid until the next call. */
  attributes(raw: Uint8Array): Uint8Array {
    if (this.deliver !== 'normalised') return raw;
    this.scratch.reset();
    normaliseAttributes(raw, 0, raw.length, this.scratch);
    return this.scratch.buffer.subarray(0, this.scratch.length);
  }

  /**
   * Puts a message that was not judged `reset` into the log, byte for byte if this form allows it. `announced`: the attribute ids of what
   * it announces with the classic fields and with MP_REACH_NLRI.
   */
  append(
    buf: Uint8Array,
    start: number,
    end: number,
    view: UpdateView,
    verdict: UpdateVerdict,
    sequence: number,
    now: number,
    announced: { route: number; mpRoute: number },
  ): void {
    const { route, mpRoute } = announced;
    if (this.log.readers === 0) return;
    const asWithdraw = this.deliver !== 'raw' && verdict.kind === 'treat-as-withdraw';
    const clean = this.deliver === 'raw' || (this.deliver === 'repaired' && verdict === SOUND);
    if (clean && end - start <= this.maxMessageLength && !(this.partial && this.isForeign(view))) {
      this.log.append(buf, start, end, sequence, now, route, mpRoute);
      return;
    }
    const { scratch, families, maxMessageLength } = this;
    const rewrite = this.deliver === 'normalised' ? normaliseAttributes : undefined;
    scratch.reset();
    if (view.endOfRib === undefined) {
      reencodeUpdate(buf, view, { families, maxMessageLength, asWithdraw, rewrite }, scratch);
    } else if ((families >>> view.endOfRib) & 1) {
      this.packer.endOfRib(view.endOfRib, scratch);
    }
    for (let at = 0; at < scratch.length;) {
      const length = (scratch.buffer[at + 16] << 8) | scratch.buffer[at + 17];
      this.log.append(scratch.buffer, at, at + length, sequence, now, route, mpRoute);
      at += length;
    }
  }

  /** Whether a message has anything that does not belong to the families, or nothing that does. */
  private isForeign(view: UpdateView): boolean {
    if (view.endOfRib !== undefined) return ((this.families >>> view.endOfRib) & 1) === 0;
    for (let i = 0; i < view.sectionCount; i++) {
      if (((this.families >>> view.sections[i].family) & 1) === 0) return true;
    }
    return view.sectionCount === 0;
  }
}
