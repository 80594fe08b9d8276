// Driver for FRR's bgpd alone: no zebra (-Z -n, every next hop counts as reachable), no privileges (-S), no TCP vty.
import path from 'node:path';
import type { Driver } from './driver.js';

/** bgpd sizes tables by its descriptor limit; this many are left for files, the vty and the control socket (fd 500). */
const SPARE_DESCRIPTORS = 1024;

export const frr: Driver = {
  kind: 'frr',
  executables: ['/usr/lib/frr/bgpd', '/usr/libexec/frr/bgpd', '/usr/local/lib/frr/bgpd'],
  debianPackage: 'frr',
  users: ['frr'],
  configName: 'frr.conf',
  libraries: ['shim'],
  versionArgs: ['--version'],
  parseVersion: (text) => /^bgpd version (\S+)/m.exec(text)?.[1],
  // Extended messages came with FRR 7.5; nothing older than 8 is supported.
  capabilities: () => ({ families: 3, routeRefresh: true, extendedMessage: true, as4: true }),
  command: ({ paths, configFile, sessionCount, port }) => ({
    args: [
      ...['--config_file', configFile, '--vty_socket', paths.dir, '--pid_file', path.join(paths.dir, 'bgpd.pid')],
      ...['--skip_runas', '--no_zebra', '--no_kernel', '--vty_port', '0', '--bgp_port', String(port)],
      ...['--limit-fds', String(SPARE_DESCRIPTORS + sessionCount)],
      ...['--log', 'stdout', '--log-level', 'informational'],
    ],
    environment: {},
  }),
  // The directory in /var/tmp is for bgpd's crash log; it removes it itself unless it is killed.
  leftovers: ({ dir }, pid) => [
    path.join(dir, 'bgpd.vty'),
    path.join(dir, 'bgpd.pid'),
    ...(pid === undefined ? [] : [`/var/tmp/frr/bgpd.${pid}`]),
  ],
};
