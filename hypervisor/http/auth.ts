// Who may ask: the token, the cookie that stands for it in browsers, and the Host header, by which a page of somebody else that has its
// own name point to this machine (DNS rebinding) gives itself away. Owns these checks; the login page is login.ts.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { HttpConfig } from '../../configs/model.js';
import type { Access } from './routes.js';

/** How long a browser stays logged in, seconds. */
export const LOGIN_SECONDS = 12 * 3600;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares in a time that tells nothing about either text. */
function same(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

/** The host of a Host header without its port, lower case; undefined when it is none. */
function hostOf(header: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?$/i.exec(header ?? '');
  return match?.[1].toLowerCase();
}

export class Auth {
  private readonly config: HttpConfig;
  private readonly hosts: ReadonlySet<string>;
  /** Other routers on the same address have cookies of their own: browsers do not tell ports apart. */
  private readonly cookieName: string;

  constructor(config: HttpConfig) {
    this.config = config;
    this.hosts = new Set(['localhost', ...config.hosts]);
    this.cookieName = `btr-${config.port}`;
  }

  /** Addresses cannot be made to point elsewhere; names must be known. */
  allowsHost(header: string | undefined): boolean {
    const host = hostOf(header);
    if (host === undefined) return false;
    return isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0 || this.hosts.has(host);
  }

  /** Everything is open to everybody who reaches the port. */
  get open(): boolean {
    return this.config.token === undefined;
  }

  allows(access: Access, request: IncomingMessage): boolean {
    if (access === 'public' || this.open) return true;
    if (access === 'looking-glass' && this.config.lookingGlass) return true;
    return this.knows(request);
  }

  isToken(text: string): boolean {
    return this.config.token !== undefined && same(text, this.config.token);
  }

  /** The value of Set-Cookie after a login. The token itself is not in it. `secure`: for TLS only. */
  cookie(secure: boolean): string {
    const until = Math.floor(Date.now() / 1000) + LOGIN_SECONDS;
    return this.setCookie(`${until}.${this.sign(until)}`, LOGIN_SECONDS) + (secure ? '; Secure' : '');
  }

  /** The value of Set-Cookie that ends a login. */
  noCookie(): string {
    return this.setCookie('', 0);
  }

  private setCookie(value: string, seconds: number): string {
    return `${this.cookieName}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict`;
  }

  private knows({ headers }: IncomingMessage): boolean {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '');
    if (bearer !== null) return this.isToken(bearer[1]);
    const cookies = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
    const mine = cookies.find((pair) => pair.startsWith(`${this.cookieName}=`));
    return mine !== undefined && this.isLogin(mine.slice(this.cookieName.length + 1));
  }

  private isLogin(value: string): boolean {
    const match = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(value);
    if (match === null) return false;
    const until = Number(match[1]);
    return same(match[2], this.sign(until)) && Date.now() / 1000 < until;
  }

  /** With the token as its key: another token ends all logins, a restart none. */
  private sign(until: number): string {
    return createHmac('sha256', this.config.token ?? '')
      .update(`btr login until ${until}`)
      .digest('hex');
  }
}
