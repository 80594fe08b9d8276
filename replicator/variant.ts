// The forms in which a neighbour's messages are handed on: mostly one, its own bytes. A session that carries only some of the families, or
// whose messages must be shorter, or that shall not see broken messages, gets what differs in a rewritten form of its own.
import { reencodeUpdate } from '../wire/bgp/reencode.js';
import { SOUND } from '../wire/bgp/update.js';
import type { UpdateVerdict, UpdateView } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { MessageLog } from './message-log.js';
import type { Delivery } from './types.js';

export class Variant {
  readonly log = new MessageLog();
  /** Bitmask of the families that it carries, out of those of the neighbour. */
  readonly families: number;
  readonly maxMessageLength: number;
  private readonly partial: boolean;
  private readonly deliver: Delivery;
  private readonly scratch = new ByteWriter();

  constructor(families: number, neighborFamilies: number, maxMessageLength: number, deliver: Delivery) {
    this.families = families & neighborFamilies;
    this.maxMessageLength = maxMessageLength;
    this.partial = this.families !== neighborFamilies;
    this.deliver = deliver;
  }

  /** Puts a message that was not judged `reset` into the log, byte for byte if this form allows it. */
  append(
    buf: Uint8Array,
    start: number,
    end: number,
    view: UpdateView,
    verdict: UpdateVerdict,
    sequence: number,
    now: number,
  ): void {
    if (this.log.readers === 0) return;
    const asWithdraw = this.deliver !== 'raw' && verdict.kind === 'treat-as-withdraw';
    const clean = this.deliver === 'raw' || (this.deliver === 'repaired' && verdict === SOUND);
    if (clean && end - start <= this.maxMessageLength && !(this.partial && this.isForeign(view))) {
      this.log.append(buf, start, end, sequence, now);
      return;
    }
    const { scratch, families, maxMessageLength } = this;
    scratch.reset();
    reencodeUpdate(buf, view, { families, maxMessageLength, asWithdraw }, scratch);
    for (let at = 0; at < scratch.length;) {
      const length = (scratch.buffer[at + 16] << 8) | scratch.buffer[at + 17];
      this.log.append(scratch.buffer, at, at + length, sequence, now);
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
