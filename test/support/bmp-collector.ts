// A BMP collector for tests: takes connections, keeps every byte, and knows what each peer's tables hold by the messages so far. Reads the
// format by itself, not with the encoder's constants.
import net from 'node:net';
import { CollectedTable } from '../../traces/collector.js';
import { formatAddress } from '../../wire/ip.js';

export interface BmpMessage {
  type: number;
  /** Behind the common header. */
  body: Buffer;
  /** All of it. */
  bytes: Buffer;
}

/** What a per-peer header says. */
export interface BmpSource {
  type: number;
  flags: number;
  address: string;
  as: number;
}

const IN_HEADER = 42;

export class BmpConnection {
  readonly messages: BmpMessage[] = [];
  readonly socket: net.Socket;
  closed = false;
  private rest = Buffer.alloc(0);

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  /** sysName of the Initiation message. */
  get name(): string | undefined {
    const [first] = this.messages;
    if (first?.type !== 4) return undefined;
    for (let at = 0; at < first.body.length;) {
      const [type, length] = [first.body.readUInt16BE(at), first.body.readUInt16BE(at + 2)];
      if (type === 2) return first.body.toString('utf8', at + 4, at + 4 + length);
      at += 4 + length;
    }
    return undefined;
  }

  /** Messages of a type about one peer, without their per-peer headers. */
  about(type: number, address: string, flags?: number): Buffer[] {
    return this.messages
      .filter((message) => message.type === type)
      .filter(({ body }) => {
        const source = sourceOf(body);
        return source.address === address && (flags === undefined || source.flags === flags);
      })
      .map(({ body }) => body.subarray(IN_HEADER));
  }

  /** What the Route Monitoring messages with these flags make of a peer's table; AS numbers have four bytes. */
  table(address: string, flags: number): CollectedTable {
    const table = new CollectedTable();
    for (const update of this.about(0, address, flags)) {
      table.update(update, 0, update.length, { as4: true, ebgp: false, families: 3 });
    }
    return table;
  }

  private take(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    while (this.rest.length >= 6) {
      const length = this.rest.readUInt32BE(1);
      if (this.rest[0] !== 3 || length < 6) throw new Error(`no BMP message: ${this.rest.toString('hex', 0, 16)}`);
      if (this.rest.length < length) return;
      const bytes = this.rest.subarray(0, length);
      this.messages.push({ type: bytes[5], body: bytes.subarray(6), bytes });
      this.rest = this.rest.subarray(length);
    }
  }
}

export function sourceOf(body: Buffer): BmpSource {
  const six = (body[1] & 0x80) !== 0 && body[0] !== 3;
  return {
    type: body[0],
    flags: body[1],
    address: formatAddress(body.subarray(six ? 10 : 22, 26)),
    as: body.readUInt32BE(26),
  };
}

export class BmpCollectorServer {
  readonly connections: BmpConnection[] = [];
  private readonly server: net.Server;

  private constructor(server: net.Server) {
    this.server = server;
    server.on('connection', (socket) => this.connections.push(new BmpConnection(socket)));
  }

  static async listen(host: string, port: number): Promise<BmpCollectorServer> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    return new BmpCollectorServer(server);
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** The open connection whose sysName ends so. */
  find(suffix: RegExp): BmpConnection | undefined {
    return this.connections.find(({ name, closed }) => !closed && name !== undefined && suffix.test(name));
  }

  /** Closes what is open; the server goes on. */
  drop(): void {
    for (const { socket } of this.connections) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
