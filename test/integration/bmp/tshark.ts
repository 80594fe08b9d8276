// What Wireshark's decoder makes of BMP messages: one row for each, with the fields that tests look at. Owns the call of tshark.
import { spawnSync } from 'node:child_process';
import type { BmpMessage } from '../../support/bmp-collector.js';
import { writePcap } from '../../support/pcap.js';

const PORT = 11_019;
const PEER_UP = 3;

/** Names of fields as `tshark -G fields` has them. */
const FIELDS = {
  type: 'bmp.type',
  peerType: 'bmp.peer.type',
  flags: 'bmp.peer.flags',
  ipv6: 'bmp.peer.flags.ipv6',
  postPolicy: 'bmp.peer.flags.post_policy',
  legacyPath: 'bmp.peer.flags.as_path',
  ribOut: 'bmp.peer.flags.adj_rib_out',
  filtered: 'bmp.peer.flags.loc_rib',
  address4: 'bmp.peer.ip.addr',
  address6: 'bmp.peer.ipv6.addr',
  as: 'bmp.peer.asn',
  id: 'bmp.peer.id',
  information: 'bmp.init.info',
  local4: 'bmp.peer.up.ip.addr',
  local6: 'bmp.peer.up.ipv6.addr',
  openAs: 'bgp.open.myas',
  openId: 'bgp.open.identifier',
  bgpType: 'bgp.type',
  reason: 'bmp.peer.down.reason',
  statistics: 'bmp.stats.type',
  routesIn: 'bmp.stats.data.routes_adj_rib_in',
  routesOut: 'bmp.stats.data.routes_post_adj_rib_out',
  routesLocal: 'bmp.stats.data.routes_loc_rib',
  treated: 'bmp.stats.data.update_treat',
  termination: 'bmp.term.reason',
  malformed: '_ws.malformed',
  severity: '_ws.expert.severity',
  complaint: '_ws.expert.message',
} as const;

/** Fields that a message does not have are empty; several values are separated by commas. */
export type Row = Record<keyof typeof FIELDS, string>;

/**
 * tshark 4.0 takes the information behind the OPENs of a Peer Up (RFC 7854 section 4.10, RFC 9069 section 4.4) for one more BGP message, a
 * malformed one: it gets the message without it, and the caller looks at what is returned with it.
 */
export function withoutInformation({ type, body, bytes }: BmpMessage): { message: Buffer; information: Buffer } {
  if (type !== PEER_UP) return { message: bytes, information: Buffer.alloc(0) };
  let end = 42 + 20;
  for (let open = 0; open < 2; open++) end += body.readUInt16BE(end + 16);
  const message = Buffer.from(bytes.subarray(0, 6 + end));
  message.writeUInt32BE(message.length, 1);
  return { message, information: body.subarray(end) };
}

/** Decodes messages of several connections, each message as a packet of its own. `file`: where to put them. */
export function decode(file: string, connections: readonly (readonly Uint8Array[])[]): Row[] {
  writePcap(file, PORT, connections);
  const names = Object.keys(FIELDS) as (keyof Row)[];
  const fields = names.flatMap((name) => ['-e', FIELDS[name]]);
  const options = ['-r', file, '-d', `tcp.port==${PORT},bmp`, '-Y', 'bmp', '-T', 'fields', '-E', 'separator=/t'];
  const { stdout, stderr, status } = spawnSync('tshark', [...options, ...fields], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  const lines = stdout.split('\n').slice(0, -1);
  return lines.map((line) => {
    const values = line.split('\t');
    return Object.fromEntries(names.map((name, i) => [name, values[i]])) as Row;
  });
}
