// The index of one segment: the parts of its side file that can be believed, from the segment's beginning on. Owns the checks against the
// segment; what is not covered is read line by line.
import { crc32 } from 'node:zlib';
import type { BytesSource } from './bytes-source.js';
import { Part } from './part.js';
import { decodeHead, headLengthOf, TAIL, type PartHead } from './part-format.js';

/** A part's head is read with the fixed bytes before it where it is not longer. */
const FIRST_READ = 8 << 10;

/** The parts, in order and without a gap, that belong to the segment of `size` bytes. Never throws on what an index says. */
export async function partsOf(index: BytesSource, segment: BytesSource, size: number): Promise<Part[]> {
  const heads: { head: PartHead; at: number }[] = [];
  for (let at = 0, covered = 0; ;) {
    const head = await readHead(index, at);
    if (head === undefined || head.from !== covered || head.to > size) break;
    heads.push({ head, at });
    covered = head.to;
    at += head.headLength + head.bodyLength;
  }
  // Segments only grow: one that ends like the last part's range has what came before, too. The same goes for the side file.
  while (heads.length > 0) {
    const { head, at } = heads[heads.length - 1];
    if ((await isAbout(segment, head)) && (await isWhole(index, at, head))) break;
    heads.pop();
  }
  return heads.map(({ head, at }) => new Part(head, index, at));
}

async function readHead(index: BytesSource, at: number): Promise<PartHead | undefined> {
  const bytes = await index.read(at, FIRST_READ);
  const length = headLengthOf(bytes);
  if (length === undefined) return undefined;
  return decodeHead(length <= bytes.length ? bytes.subarray(0, length) : await index.read(at, length));
}

/** The range ends as it ended when the part was made. */
async function isAbout(segment: BytesSource, { from, to, tailCrc }: PartHead): Promise<boolean> {
  const start = Math.max(from, to - TAIL);
  const tail = await segment.read(start, to - start);
  return tail.length === to - start && crc32(tail) === tailCrc;
}

/** Its body is there to the end: a part is written at once, but not in one piece. */
async function isWhole(index: BytesSource, at: number, { headLength, bodyLength }: PartHead): Promise<boolean> {
  return bodyLength === 0 || (await index.read(at + headLength + bodyLength - 1, 1)).length === 1;
}
