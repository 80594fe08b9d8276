// What a disposable instance is given beside the messages on trial, so that a bug that needs it shows: which neighbours it has sessions
// with, and what the others of them say about the same prefixes. Reads the router's state at the time of a death.
import process from 'node:process';
import type { ReplicaConfig } from '../../configs/model.js';
import type { Suspect } from '../../replicator/types.js';
import { UpdatePacker } from '../../wire/bgp/pack.js';
import { MAX_MESSAGE_LENGTH } from '../../wire/bgp/message.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { TrialMessage, TrialNeighbor } from './trial-instance.js';

/** Neighbours beside those of the messages: a crash may come from what is said to them. */
const OTHERS = 8;
/** Routes of others. */
const MAX_ROUTES = 2000;

/** Why a replica's messages cannot be tried, undefined when they can. */
export function trialProblem({ kind, configFile }: ReplicaConfig): string | undefined {
  // Its own file may tell BIRD to write routes, and the instance has no virtual kernel. As a user of its own it may not; as ours it might.
  const mayWrite = kind === 'bird' && configFile !== undefined && process.getuid?.() !== 0;
  return mayWrite ? 'a BIRD with a config-file is tried only by root, lest it write to the real kernel' : undefined;
}

/** The neighbours that the messages came from, and some others that are up. */
export function trialNeighbors(ports: readonly NeighborPort[], suspects: readonly Suspect[]): TrialNeighbor[] {
  const involved = new Set(suspects.map(({ neighbor }) => neighbor));
  let others = 0;
  return ports.flatMap(({ index, negotiated }) => {
    if (negotiated === undefined || (!involved.has(index) && ++others > OTHERS)) return [];
    return [{ index, families: negotiated.families, routerId: negotiated.peerRouterId }];
  });
}

/** What these neighbours announce for the prefixes of the messages, as far as replica `r` is given it and it is not on trial itself. */
export function routesOfOthers(
  { replicator, tables: { prefixes, attributes } }: Pick<RouterContext, 'replicator' | 'tables'>,
  r: number,
  neighbors: readonly TrialNeighbor[],
  suspects: readonly Suspect[],
): TrialMessage[] {
  const view = new UpdateView();
  const cursor = new NlriCursor();
  const packer = new UpdatePacker(MAX_MESSAGE_LENGTH);
  const out = new ByteWriter(MAX_MESSAGE_LENGTH);
  const seen = new Set<number>();
  const messages: TrialMessage[] = [];
  for (const { neighbor, bytes } of suspects) {
    parseUpdate(bytes, 0, bytes.length, { as4: true, ebgp: true, families: 3 }, view);
    for (const { family, start, end } of view.sections.slice(0, view.sectionCount)) {
      cursor.reset(bytes, start, end, family);
      while (messages.length < MAX_ROUTES && cursor.next()) {
        const prefix = prefixes.find(family, bytes, cursor.at, cursor.bits);
        if (prefix === 0 || seen.has(prefix)) continue;
        seen.add(prefix);
        for (const { index } of neighbors) {
          const route = index === neighbor ? 0 : replicator.route(index, prefix);
          if (route === 0 || replicator.withholding.isWithheld(r, index, prefix)) continue;
          out.reset();
          const ids = Uint32Array.of(prefix);
          if (!packer.announce(family, attributes.get(route), prefixes, ids, 0, 1, out)) continue;
          messages.push({ neighbor: index, bytes: out.buffer.slice(0, out.length) });
        }
      }
    }
  }
  return messages;
}
