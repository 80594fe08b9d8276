// What a generator of native configurations takes and gives. Where files are written and how daemons are started
// belongs to the drivers (hypervisor/replicas/).
import type { ReplicaConfig, RouterConfig } from '../model.js';

/** Where one replica lives. Everything it creates is inside `dir`. */
export interface ReplicaPaths {
  /** Absolute path of the replica's run directory. */
  dir: string;
  /** Absolute path of the daemon's own control socket (birdc, bgpctl); FRR makes `dir`/bgpd.vty by itself. */
  controlSocket: string;
}

/** One file to be written into the replica's run directory before it starts. */
export interface GeneratedFile {
  /** File name, without a directory: frr.conf, zebra.conf, bird.conf, openbgpd.conf. The first file of a list is the main one. */
  name: string;
  contents: string;
  /** Permission bits; OpenBGPD refuses its file when others may read it. */
  mode: number;
}

/** Pure: the same configuration always gives the same bytes. */
export type Generator = (config: RouterConfig, replica: ReplicaConfig, paths: ReplicaPaths) => GeneratedFile[];
