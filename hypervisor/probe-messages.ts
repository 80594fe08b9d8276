// The UPDATE that carries a probe into a replica and what is read from its echo on the tap. The probe's number travels as the
// MED: all daemons keep it between eBGP and iBGP and treat a changed one as a changed route. No route write shows a MED, so with a
// FIB the last digits of the number are in the next hop as well. And the messages that escort a probe: withdrawals of what never was.
import { AttributeCursor, AttributeFlag, AttributeType, readU32 } from '../wire/bgp/attributes.js';
import { UpdatePacker } from '../wire/bgp/pack.js';
import { NlriCursor, parseUpdate, UpdateView } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { IPV4_UNICAST } from '../wire/family.js';
import { parseIpv4 } from '../wire/ip.js';
import { PrefixTable } from '../wire/prefix-table.js';

const NO_EXPORT = 0xffffff01;

/** Withdrawals that are kept ready, and written at once. */
const ESCORT_BLOCK = 1024;

/** Next hops that take turns: the range's first address + 1 to + 250. */
export const PROBE_NEXT_HOPS = 250;

export interface ProbeSettings {
  probeAddress: string;
  probeAs: number;
  probePrefix: string;
  /** Where the next hops are taken from (/24 or shorter); undefined: `probeAddress` is the next hop of every probe. */
  nextHops?: string | undefined;
}

export class ProbeMessages {
  private readonly settings: ProbeSettings;
  private readonly nextHop: Uint8Array;
  /** First address of the range as a number. */
  private readonly firstNextHop: number | undefined;
  private readonly table = new PrefixTable({ maxPrefixes: 16 });
  private readonly ids: Uint32Array;
  private readonly escortBlock: Uint8Array;
  private readonly packer = new UpdatePacker(4096);
  private readonly out = new ByteWriter(256);
  private readonly attributes = new ByteWriter(256);
  private readonly view = new UpdateView();
  private readonly nlri = new NlriCursor();
  private readonly cursor = new AttributeCursor();
  private readonly context = { as4: true, ebgp: false, families: 1 << IPV4_UNICAST };

  constructor(settings: ProbeSettings) {
    this.settings = settings;
    const { probeAddress, nextHops } = settings;
    this.nextHop = parseIpv4(probeAddress) ?? new Uint8Array(4);
    const range = nextHops === undefined ? undefined : parseIpv4(nextHops.split('/')[0]);
    this.firstNextHop = range && readU32(range, 0);
    this.ids = Uint32Array.of(this.table.parse(settings.probePrefix));
    this.escortBlock = this.withdrawals(ESCORT_BLOCK);
  }

  /** Passes on so many messages that are taken in like any UPDATE and change nothing, in portions that are valid for good. */
  escort(count: number, write: (messages: Uint8Array) => void): void {
    const { escortBlock } = this;
    const length = escortBlock.length / ESCORT_BLOCK;
    for (let left = count; left > 0; left -= ESCORT_BLOCK) {
      write(left >= ESCORT_BLOCK ? escortBlock : escortBlock.subarray(0, left * length));
    }
  }

  /** The UPDATE for probe number `sequence`; valid until the next call. */
  announce(sequence: number): Uint8Array {
    const { attributes, out } = this;
    attributes.reset();
    this.attribute(AttributeFlag.TRANSITIVE, AttributeType.ORIGIN, [0]);
    attributes.u8(AttributeFlag.TRANSITIVE);
    attributes.u8(AttributeType.AS_PATH);
    attributes.u8(6);
    attributes.u8(2);
    attributes.u8(1);
    attributes.u32(this.settings.probeAs);
    this.attribute(AttributeFlag.TRANSITIVE, AttributeType.NEXT_HOP, this.nextHopOf(sequence));
    attributes.u8(AttributeFlag.OPTIONAL);
    attributes.u8(AttributeType.MED);
    attributes.u8(4);
    attributes.u32(sequence);
    attributes.u8(AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE);
    attributes.u8(AttributeType.COMMUNITIES);
    attributes.u8(4);
    attributes.u32(NO_EXPORT);
    out.reset();
    this.packer.announce(
      IPV4_UNICAST,
      attributes.buffer.subarray(0, attributes.length),
      this.table,
      this.ids,
      0,
      1,
      out,
    );
    return out.buffer.subarray(0, out.length);
  }

  /** The number of the probe that an UPDATE on the tap gives back; undefined for anything else. */
  sequenceOf(message: Uint8Array, start: number, end: number): number | undefined {
    const verdict = parseUpdate(message, start, end, this.context, this.view);
    if (verdict.kind !== 'sound') return undefined;
    for (let i = 0; i < this.view.sectionCount; i++) {
      const section = this.view.sections[i];
      if (section.kind !== 'announce') continue;
      this.nlri.reset(message, section.start, section.end, section.family);
      while (this.nlri.next()) {
        if (this.table.find(section.family, message, this.nlri.at, this.nlri.bits) === this.ids[0])
          return this.med(message);
      }
    }
    return undefined;
  }

  /** Of a prefix that nobody announces on the probe's session: a part of the probe's own, or what that is a part of. */
  private withdrawals(count: number): Uint8Array {
    const [network, length] = this.settings.probePrefix.split('/');
    const never = Uint32Array.of(this.table.parse(length === '32' ? '0.0.0.0/0' : `${network}/32`));
    const { out } = this;
    out.reset();
    for (let i = 0; i < count; i++) this.packer.withdraw(IPV4_UNICAST, this.table, never, 0, 1, out);
    return out.take();
  }

  private nextHopOf(sequence: number): Uint8Array {
    if (this.firstNextHop === undefined) return this.nextHop;
    new DataView(this.nextHop.buffer).setUint32(0, this.firstNextHop + 1 + (sequence % PROBE_NEXT_HOPS));
    return this.nextHop;
  }

  private attribute(flags: number, type: number, value: ArrayLike<number>): void {
    this.attributes.u8(flags);
    this.attributes.u8(type);
    this.attributes.u8(value.length);
    for (let i = 0; i < value.length; i++) this.attributes.u8(value[i]);
  }

  private med(message: Uint8Array): number | undefined {
    const { cursor, view } = this;
    cursor.reset(message, view.attributesStart, view.attributesEnd);
    while (cursor.next()) {
      if (cursor.type !== AttributeType.MED) continue;
      return readU32(message, cursor.valueStart);
    }
    return undefined;
  }
}
