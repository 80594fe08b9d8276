// The benchmark's input: one neighbour's table as encoded UPDATEs, made before the clock runs, and single new prefixes.
// Taken from a real RIB, or generated when there is none.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../cli/errors.js';
import { encodeRibView } from '../traces/encode.js';
import { writeSyntheticTable } from '../traces/synthetic.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { beginMessage, endMessage, MessageType } from '../wire/bgp/message.js';
import { parseAddress } from '../wire/ip.js';
import { PrefixTable } from '../wire/prefix-table.js';
import { FEEDER } from './topology.js';
import { keepAcceptable } from './update-scan.js';

export interface BenchInput {
  /** File of encoded UPDATEs that feeders read. */
  file: string;
  prefixes: number;
  bytes: number;
  /** What it was made of, for the report. */
  source: string;
}

/** Vantage point of the RIB that sharedRib() finds, and of generated ones, with a full table. */
const FULL_FEED = 'AS30844';
/** Prefixes of a generated "whole table". */
const SYNTHETIC_FULL = 500_000;
const SYNTHETIC_SEED = 1;

/** Encodes the table of `rib` (undefined: a generated one), at most `limit` prefixes, to a file in `directory`. */
export async function makeInput(
  rib: string | undefined,
  peer: string = FULL_FEED,
  limit: number,
  directory: string,
): Promise<BenchInput> {
  const read = rib ?? (await synthesise(limit, directory));
  if (!existsSync(read)) throw new UserError(`${read}: no such file`, 66);
  const view = await encodeRibView(read, {
    peer,
    as: FEEDER.as,
    nextHops: { ipv4: parseAddress(FEEDER.address)!, ipv6: undefined },
    endOfRib: false,
    // Some are refused by one daemon or another and left out again.
    ...(limit === Infinity ? {} : { limit: oversized(limit) }),
  });
  const { bytes, prefixes } = keepAcceptable(view.bytes, new PrefixTable({ initialCapacity: 1 << 20 }), limit);
  if (prefixes === 0) throw new UserError(`${read}: no IPv4 routes of peer ${peer}`, 66);
  const file = path.join(directory, `input-${prefixes}.bin`);
  writeFileSync(file, bytes);
  const source = rib === undefined ? `generated table, seed ${SYNTHETIC_SEED}` : `${path.basename(rib)}, ${peer}`;
  return { file, prefixes, bytes: bytes.length, source };
}

const oversized = (limit: number) => Math.ceil(limit * 1.02) + 100;

async function synthesise(limit: number, directory: string): Promise<string> {
  const file = path.join(directory, 'synthetic.rib.gz');
  const prefixes = limit === Infinity ? SYNTHETIC_FULL : oversized(limit);
  await writeSyntheticTable(file, { prefixes, seed: SYNTHETIC_SEED });
  return file;
}

const AS_PATH_TAIL = [3356, 1299, 2914];

export const SINGLE_BITS = 24;

/** The `index`-th of 65,536 prefixes that no table holds (below 25/8, which is announced as a whole if at all). */
export function singleAddress(index: number): Uint8Array {
  return Uint8Array.of(25, index >> 8, index & 255);
}

/** UPDATE that announces it. */
export function singleUpdate(index: number, as: number, nextHop: string): Uint8Array {
  const out = new ByteWriter(128);
  const message = beginMessage(out, MessageType.UPDATE);
  const path_ = [as, ...AS_PATH_TAIL];
  out.u16(0);
  out.u16(4 + (3 + 2 + 4 * path_.length) + 7);
  for (const byte of [0x40, 1, 1, 0, 0x40, 2, 2 + 4 * path_.length, 2, path_.length]) out.u8(byte);
  for (const hop of path_) out.u32(hop);
  for (const byte of [0x40, 3, 4, ...parseAddress(nextHop)!]) out.u8(byte);
  for (const byte of [SINGLE_BITS, ...singleAddress(index)]) out.u8(byte);
  endMessage(out, message);
  return out.take();
}
