// The routes that the models announce, and the one way in which correct replicas choose among them. Real UPDATE messages and real tables,
// so that voter and replicator see what they see in the router.
import { AttributeTable } from '../../wire/attribute-table.js';
import { UpdatePacker } from '../../wire/bgp/pack.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { ALL_FAMILIES, IPV6_UNICAST } from '../../wire/family.js';
import { PrefixTable } from '../../wire/prefix-table.js';

export const FAMILIES = ALL_FAMILIES;
const LENGTHS = 3;
const TAGS = 3;

export class Routes {
  readonly prefixes = new PrefixTable();
  readonly attributes = new AttributeTable();
  /** The prefixes of this run. */
  readonly ids: number[] = [];
  private readonly packer = new UpdatePacker(4096);
  private readonly out = new ByteWriter(512);
  private readonly one = new Uint32Array(1);
  private readonly built = new Map<string, Uint8Array>();

  constructor(count: number) {
    for (let i = 0; i < count; i++) {
      this.ids.push(this.prefixes.parse(i % 4 === 3 ? `2001:db8:${i.toString(16)}::/48` : `10.${i}.0.0/16`));
    }
  }

  /** The attributes of one of the routes that neighbour `n` can announce for a prefix; `choice` is any whole number. Not to be written to. */
  attributesOf(n: number, prefix: number, choice: number): Uint8Array {
    return this.build(prefix, 65001 + n, 1 + (choice % LENGTHS), 100 + (Math.floor(choice / LENGTHS) % TAGS));
  }

  /** The id of a route that nobody announces. Liars who pick the same `choice` agree. */
  fakeRoute(prefix: number, choice: number): number {
    const bytes = this.build(prefix, 64999, 1, 200 + (choice % TAGS));
    return this.attributes.intern(bytes, 0, bytes.length);
  }

  /** The better of two routes (0: none), the first one's neighbour having the lower index: shortest path, then lowest neighbour. */
  better(a: number, b: number): number {
    if (a === 0 || b === 0) return a === 0 ? b : a;
    return this.attributes.length(b) < this.attributes.length(a) ? b : a;
  }

  announcement(prefix: number, attributes: Uint8Array): Uint8Array {
    this.one[0] = prefix;
    this.packer.announce(this.prefixes.family(prefix), attributes, this.prefixes, this.one, 0, 1, this.out);
    return this.out.take();
  }

  withdrawal(prefix: number): Uint8Array {
    this.one[0] = prefix;
    this.packer.withdraw(this.prefixes.family(prefix), this.prefixes, this.one, 0, 1, this.out);
    return this.out.take();
  }

  endOfRib(): Uint8Array {
    this.packer.endOfRib(0, this.out);
    return this.out.take();
  }

  private build(prefix: number, as: number, length: number, tag: number): Uint8Array {
    const key = `${this.prefixes.family(prefix)}/${as}/${length}/${tag}`;
    let attributes = this.built.get(key);
    if (!attributes) {
      attributes = this.encode(prefix, as, length, tag);
      this.built.set(key, attributes);
    }
    return attributes;
  }

  private encode(prefix: number, as: number, length: number, tag: number): Uint8Array {
    const nextHop =
      this.prefixes.family(prefix) === IPV6_UNICAST
        ? [0x80, 14, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]
        : [0x40, 3, 4, 192, 0, 2, 1];
    const path = [as, ...Array.from({ length: length - 1 }, () => tag)];
    const segment = [2, path.length, ...path.flatMap((hop) => [0, hop >>> 16, (hop >>> 8) & 0xff, hop & 0xff])];
    const med = [0x80, 4, 4, 0, 0, 0, tag];
    const [first, second] = nextHop[1] === 14 ? [nextHop, []] : [[], nextHop];
    return Uint8Array.from([...first, 0x40, 1, 1, 0, 0x40, 2, segment.length, ...segment, ...second, ...med]);
  }
}
