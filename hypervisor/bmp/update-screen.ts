// What a collector is told of an UPDATE: the message as it was on the wire when it is sound; the withdrawals that it amounts to when RFC 7606 has it
// treated as such; nothing when it ends the session. A collector is somebody's BGP parser, too, and must not get poison from us.
import { MAX_MESSAGE_LENGTH } from '../../wire/bgp/message.js';
import { reencodeUpdate } from '../../wire/bgp/reencode.js';
import { parseUpdate, UpdateView, type UpdateContext } from '../../wire/bgp/update.js';
import { ByteWriter } from '../../wire/byte-writer.js';

export class UpdateScreen {
  /** What is to be told: whole messages, bytes start..end of `buffer`; valid until the next call. */
  buffer: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** What the last message was, and where its parts are. */
  message: Uint8Array = new Uint8Array(0);
  readonly view = new UpdateView();
  private readonly withdrawals = new ByteWriter();

  /** False: there is nothing to tell. */
  judge(buffer: Uint8Array, start: number, end: number, rules: UpdateContext): boolean {
    this.message = buffer;
    const { kind } = parseUpdate(buffer, start, end, rules, this.view);
    if (kind === 'reset') return false;
    if (kind === 'sound') {
      this.buffer = buffer;
      this.start = start;
      this.end = end;
      return true;
    }
    const { withdrawals } = this;
    withdrawals.reset();
    const options = { families: ~0, maxMessageLength: MAX_MESSAGE_LENGTH, asWithdraw: true };
    reencodeUpdate(buffer, this.view, options, withdrawals);
    this.buffer = withdrawals.buffer;
    this.start = 0;
    this.end = withdrawals.length;
    return true;
  }
}
