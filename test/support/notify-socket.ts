// The service manager's end of sd_notify(3): a datagram socket, and what has been said to it.
import koffi from 'koffi';
import { AF_UNIX, close, SOCK_NONBLOCK } from '../../preload/native.js';

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, void *address, uint32_t length)');
const recv = libc.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)');
const SOCK_DGRAM = 2;

export class NotifySocket {
  /** Everything so far, in order. */
  readonly messages: string[] = [];
  private readonly fd: number;

  /** `name`: a path, or with `@` in front an abstract name. */
  constructor(name: string) {
    const bytes = name.startsWith('@') ? `\0${name.slice(1)}` : `${name}\0`;
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(bytes)]);
    this.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0) as number;
    if (bind(this.fd, address, address.length) !== 0) throw new Error(`cannot bind ${name}`);
  }

  /** What has come since the last call. */
  read(): string[] {
    const fresh: string[] = [];
    const bytes = Buffer.alloc(4096);
    for (;;) {
      const length = recv(this.fd, bytes, bytes.length, 0) as number;
      if (length < 0) break;
      fresh.push(bytes.toString('utf8', 0, length));
    }
    this.messages.push(...fresh);
    return fresh;
  }

  close(): void {
    close(this.fd);
  }
}
