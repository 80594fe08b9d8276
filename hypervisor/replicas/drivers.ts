// The list of daemon kinds. A new kind is one more file beside this one and one more line here.
import type { ReplicaKind } from '../../configs/model.js';
import { bird } from './bird.js';
import type { Driver } from './driver.js';
import { frr } from './frr.js';
import { openbgpd } from './openbgpd.js';

export const DRIVERS: Readonly<Record<ReplicaKind, Driver>> = { frr, bird, openbgpd };
