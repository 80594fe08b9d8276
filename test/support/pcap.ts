// Puts messages into a pcap file as if each sender had one TCP connection over IPv4, a packet for each message, for other people's
// decoders. Owns the framing only.
import { writeFileSync } from 'node:fs';

/** LINKTYPE_RAW: packets begin with their IP header. */
const RAW = 101;
const HEADERS = 40;
const [ACK, PSH, SYN] = [0x10, 0x08, 0x02];

function packet(stream: number, port: number, sequence: number, flags: number, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADERS + data.length);
  bytes[0] = 0x45;
  bytes.writeUInt16BE(bytes.length, 2);
  bytes[8] = 64;
  bytes[9] = 6;
  bytes.set([192, 0, 2, 1, 192, 0, 2, 2], 12);
  bytes.writeUInt16BE(20_000 + stream, 20);
  bytes.writeUInt16BE(port, 22);
  bytes.writeUInt32BE(sequence >>> 0, 24);
  bytes[32] = 0x50;
  bytes[33] = flags;
  bytes.writeUInt16BE(65_535, 34);
  bytes.set(data, HEADERS);
  return bytes;
}

/** Stream i comes from port 20000 + i and goes to `port`. Messages have at most 65,495 bytes. */
export function writePcap(file: string, port: number, streams: readonly (readonly Uint8Array[])[]): void {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(0x40000, 16);
  head.writeUInt32LE(RAW, 20);
  const parts: Buffer[] = [head];
  const add = (bytes: Buffer): void => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000 + parts.length, 0);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    parts.push(record, bytes);
  };
  streams.forEach((messages, i) => {
    add(packet(i, port, 0, SYN, new Uint8Array(0)));
    let sequence = 1;
    for (const message of messages) {
      add(packet(i, port, sequence, ACK | PSH, message));
      sequence += message.length;
    }
  });
  writeFileSync(file, Buffer.concat(parts));
}
