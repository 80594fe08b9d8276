// A port of this machine that leads to one of another machine, as `ssh -L` makes it. Owns the listening socket and what is connected through it.
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';

export class Tunnel {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  private constructor(host: string, port: number) {
    this.server = net.createServer((near) => {
      const far = net.connect(port, host);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        this.sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  }

  static async open(host: string, port: number): Promise<Tunnel> {
    const tunnel = new Tunnel(host, port);
    tunnel.server.listen(0, '127.0.0.1');
    await once(tunnel.server, 'listening');
    return tunnel;
  }

  /** What to type into a browser on this machine. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
