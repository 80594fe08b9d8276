// Which table the demo's upstreams play: the RIB that was named, the real one of the shared folder, or a generated one.
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { SYNTHETIC_PEER_AS, writeSyntheticTable } from '../../traces/synthetic.js';
import { UserError } from '../errors.js';

export interface DemoTrace {
  file: string;
  /** Vantage point to play; undefined: the busiest of the file. */
  peer: string | undefined;
  /** For people. */
  description: string;
}

const REAL_RIB = 'traces/rib/route-views.jinx.rib.20140530.2200.bz2';
/** The only vantage point of REAL_RIB with a full table. */
const REAL_PEER = 'AS30844';
const SYNTHETIC_SEED = 1;
const SYNTHETIC_FULL = 500_000;

/** Finds or makes the table; `prefixes` undefined asks for all there is. Generated files go to `directory`. */
export async function chooseTrace(
  rib: string | undefined,
  prefixes: number | undefined,
  directory: string,
): Promise<DemoTrace> {
  if (rib !== undefined) {
    if (!existsSync(rib)) throw new UserError(`${rib}: no such file`, 66);
    return { file: path.resolve(rib), peer: undefined, description: path.basename(rib) };
  }
  const real = sharedRib();
  if (real !== undefined) {
    return {
      file: real,
      peer: REAL_PEER,
      description: `RouteViews table ${path.basename(real)}, seen by ${REAL_PEER}`,
    };
  }
  const file = path.join(directory, 'synthetic.rib.gz');
  await writeSyntheticTable(file, { prefixes: prefixes ?? SYNTHETIC_FULL, seed: SYNTHETIC_SEED });
  return {
    file,
    peer: `AS${SYNTHETIC_PEER_AS}`,
    description: `generated table (seed ${SYNTHETIC_SEED}; --rib FILE plays a real one)`,
  };
}

/** The real RIB in $BTR_SHARED or the folder `shared` beside the checkout, if it is there. */
export function sharedRib(): string | undefined {
  const folder = process.env.BTR_SHARED ?? path.resolve(import.meta.dirname, '../../../../shared');
  const file = path.join(folder, REAL_RIB);
  return existsSync(file) ? file : undefined;
}
