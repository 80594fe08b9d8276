// TCP sockets with the options that BGP needs and Node does not offer: TCP-MD5 (RFC 2385), GTSM (RFC 5082), TOS.
// Owns the byte layouts of sockaddr and tcp_md5sig (Linux). The descriptors go to net.Socket and net.Server right away.
import { isIPv6 } from 'node:net';
import koffi from 'koffi';
import { close, setsockopt, SystemCallError } from '../../preload/native.js';
import { parseIpv4, parseIpv6 } from '../../wire/ip.js';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 0o2004001;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IP_TOS = 1;
const IP_TTL = 2;
const IP_MINTTL = 21;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_TCLASS = 67;
const IPV6_MINHOPCOUNT = 73;
const TCP_MD5SIG = 14;
const MD5SIG_SIZE = 216;
const MD5SIG_KEY = 136;
/** Longest TCP-MD5 key in bytes that Linux takes. */
export const MAX_MD5_KEY = 80;
/** Internetwork control (RFC 4271 appendix E). */
const TOS_CONTROL = 0xc0;
const MAX_TTL = 255;

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, void *address, uint32_t length)');

/** A non-blocking TCP socket of the family of `address`, marked as routing traffic. Throws SystemCallError. */
export function tcpSocket(address: string): number {
  const v6 = isIPv6(address);
  const fd: number = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemCallError('socket', koffi.errno());
  if (v6) setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, TOS_CONTROL);
  else setsockopt(fd, IPPROTO_IP, IP_TOS, TOS_CONTROL);
  return fd;
}

/** A TCP socket bound to an address and port, to be given to net.Server. Throws SystemCallError (EADDRINUSE, …). */
export function boundTcpSocket(address: string, port: number): number {
  const fd = tcpSocket(address);
  try {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (isIPv6(address)) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    const name = socketAddress(address, port);
    if (bind(fd, name, name.length) < 0) throw new SystemCallError('bind', koffi.errno());
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}

/** Sets (or with an empty password removes) the TCP-MD5 key for segments from and to a peer. Throws SystemCallError. */
export function setMd5Key(fd: number, peer: string, password: string): void {
  const key = new TextEncoder().encode(password);
  const option = new Uint8Array(MD5SIG_SIZE);
  option.set(socketAddress(peer, 0));
  new DataView(option.buffer).setUint16(130, key.length, true);
  option.set(key.subarray(0, MAX_MD5_KEY), MD5SIG_KEY);
  setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, option);
}

/** Sends with the largest TTL, as a peer with GTSM expects. `peer` decides the family. */
export function setMaximumTtl(fd: number, peer: string): void {
  if (isIPv6(peer)) setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, MAX_TTL);
  else setsockopt(fd, IPPROTO_IP, IP_TTL, MAX_TTL);
}

/** GTSM: the kernel drops segments from farther away than `hops` (1 = directly connected). `peer` decides the family. */
export function setTtlSecurity(fd: number, peer: string, hops: number): void {
  setMaximumTtl(fd, peer);
  const least = MAX_TTL + 1 - hops;
  if (isIPv6(peer)) setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, least);
  else setsockopt(fd, IPPROTO_IP, IP_MINTTL, least);
}

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(address: string, port: number): Uint8Array {
  const v6 = isIPv6(address);
  const bytes = new Uint8Array(v6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, v6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  const parsed = v6 ? parseIpv6(address) : parseIpv4(address);
  if (!parsed) throw new RangeError(`"${address}" is not an IP address`);
  bytes.set(parsed, v6 ? 8 : 4);
  return bytes;
}
