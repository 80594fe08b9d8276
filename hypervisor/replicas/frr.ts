// Driver for FRR. Without a FIB it is bgpd alone: no zebra (-Z -n, every next hop counts as reachable). With one it is
// zebra, which talks to the virtual kernel, and bgpd on zebra's socket. Neither has privileges (bgpd has -S for that,
// zebra only believes it has them: fake-privileges.c) or a TCP vty.
import path from 'node:path';
import type { Driver, LaunchCommand, LaunchContext } from './driver.js';

/** bgpd sizes tables by its descriptor limit; this many are left for files, the vty and the control socket (fd 500). */
const SPARE_DESCRIPTORS = 1024;

function commonArgs(daemon: string, dir: string, configFile: string): string[] {
  return [
    ...['--config_file', configFile, '--vty_socket', dir, '--vty_port', '0'],
    ...['--pid_file', path.join(dir, `${daemon}.pid`), '--log', 'stdout', '--log-level', 'informational'],
  ];
}

const zserv = (dir: string): string => path.join(dir, 'zserv.api');

/** --retain: nobody needs a virtual kernel tidied up, and taking back a whole table would take seconds at every stop. */
function zebra({ executable, paths: { dir } }: LaunchContext): LaunchCommand {
  return {
    name: 'zebra',
    file: path.join(path.dirname(executable), 'zebra'),
    args: [
      ...commonArgs('zebra', dir, path.join(dir, 'zebra.conf')),
      ...['--socket', zserv(dir), '--retain', '--limit-fds', String(SPARE_DESCRIPTORS)],
    ],
    environment: {},
    libraries: ['shim', 'fake-privileges'],
    socket: zserv(dir),
  };
}

function bgpd({ executable, paths: { dir }, configFile, sessionCount, port, netlink }: LaunchContext): LaunchCommand {
  return {
    name: 'bgpd',
    file: executable,
    args: [
      ...commonArgs('bgpd', dir, configFile),
      ...(netlink ? ['--socket', zserv(dir)] : ['--no_zebra', '--no_kernel']),
      ...['--skip_runas', '--bgp_port', String(port), '--limit-fds', String(SPARE_DESCRIPTORS + sessionCount)],
    ],
    environment: {},
    libraries: ['shim'],
  };
}

export const frr: Driver = {
  kind: 'frr',
  executables: ['/usr/lib/frr/bgpd', '/usr/libexec/frr/bgpd', '/usr/local/lib/frr/bgpd'],
  debianPackage: 'frr',
  users: ['frr'],
  configName: 'frr.conf',
  readsAhead: true,
  versionArgs: ['--version'],
  parseVersion: (text) => /^bgpd version (\S+)/m.exec(text)?.[1],
  // Extended messages came with FRR 7.5; nothing older than 8 is supported.
  capabilities: () => ({ families: 3, routeRefresh: true, extendedMessage: true, as4: true }),
  commands: (context) => (context.netlink ? [zebra(context), bgpd(context)] : [bgpd(context)]),
  // The directories in /var/tmp are for crash logs; a daemon removes its own unless it is killed.
  leftovers: ({ dir }, pids) => [
    ...['bgpd', 'zebra'].flatMap((daemon) => [path.join(dir, `${daemon}.vty`), path.join(dir, `${daemon}.pid`)]),
    zserv(dir),
    ...pids.flatMap((pid) => [`/var/tmp/frr/bgpd.${pid}`, `/var/tmp/frr/zebra.${pid}`]),
  ],
};
