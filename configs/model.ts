// The validated configuration that the rest of the program works with: complete (every default filled in), checked,
// and independent of how the YAML file spells it. Owns the internal types only: the file's shape is configs/schema/,
// bytes on the wire are wire/.

/** Bit set of families (1 << Family), as everywhere in the program: 1 = IPv4 unicast, 2 = IPv6 unicast, 3 = both. */
export type FamilySet = number;

export type ReplicaKind = 'frr' | 'bird' | 'openbgpd';
export const REPLICA_KINDS: readonly ReplicaKind[] = ['frr', 'bird', 'openbgpd'];

export type VotingStrategy = 'continuous-majority' | 'wait-for-consensus' | 'master-slave';
export const VOTING_STRATEGIES: readonly VotingStrategy[] = [
  'continuous-majority',
  'wait-for-consensus',
  'master-slave',
];

export interface RouterConfig {
  /** Path of the file it came from, as given. */
  file: string;
  router: RouterSettings;
  /** Index = neighbor index everywhere else. */
  neighbors: NeighborConfig[];
  policy: PolicyConfig;
  acceptance: AcceptanceConfig;
  /** Index = replica index everywhere else; at least 1, at most 16. */
  replicas: ReplicaConfig[];
  voting: VotingConfig;
  recovery: RecoveryConfig;
  quarantine: QuarantineConfig;
  earlyWarning: EarlyWarningConfig;
  fib: FibConfig;
  internal: InternalConfig;
  limits: LimitsConfig;
  logging: LoggingConfig;
  voteLog: VoteLogConfig;
  record: RecordConfig;
  http: HttpConfig;
  bmp: BmpConfig;
}

/** Who holds the routes that the replicas agree on: the kernel, a table in memory that nothing forwards by, or nobody. */
export type FibBackend = 'kernel' | 'dry-run' | 'none';
export const FIB_BACKENDS: readonly FibBackend[] = ['kernel', 'dry-run', 'none'];

/**
 * How a replica says what should be installed: by writing to a kernel of its own (netlink), by an iBGP session that gives
 * back its best routes (tap), or not at all.
 */
export type ReplicaFib = 'netlink' | 'tap' | 'none';
export const REPLICA_FIBS: readonly ReplicaFib[] = ['netlink', 'tap', 'none'];

export interface RouterSettings {
  as: number;
  /** Dotted quad. */
  routerId: string;
  /** TCP port the router listens on. */
  port: number;
  /** Prefixes the router originates, canonical text, both families. */
  networks: string[];
  /** Absolute path of the directory that holds the control socket and one directory per replica. */
  runDirectory: string;
}

/**
 * In which form a replica gets what a neighbour sends: byte for byte; the same, but with errors repaired (RFC 7606: what is to be treated
 * as a withdrawal is one); or every route encoded anew, one family per message, IPv4 in classic NLRI.
 */
export type Delivery = 'raw' | 'repaired' | 'normalised';
export const DELIVERIES: readonly Delivery[] = ['raw', 'repaired', 'normalised'];

export interface NeighborConfig {
  /** Canonical text (RFC 5952 for IPv6). Decides the transport family. */
  address: string;
  peerAs: number;
  /** Same family as `address`. */
  localAddress: string;
  /** Next hop of IPv6 routes sent over an IPv4 session; set whenever IPv6 travels over IPv4. */
  localAddressIpv6?: string;
  description?: string;
  passive: boolean;
  /** Port of the neighbour that we connect to. */
  remotePort: number;
  /** Seconds; 0 = no keepalives, else at least 3. */
  holdTime: number;
  /** Seconds; 0 when holdTime is 0. */
  keepaliveInterval: number;
  /** Seconds. */
  connectRetry: number;
  /** TCP-MD5 key. */
  authPassword?: string;
  /** GTSM: largest number of hops to the neighbour (1 = directly connected); undefined = off. */
  ttlSecurityHops?: number;
  families: FamilySet;
  /** Prefixes accepted from the neighbour, both families together, before its session is closed; 0 = no limit. */
  maximumPrefixes: number;
  /** Names of policy definitions, applied one after the other. */
  importPolicy: string[];
  exportPolicy: string[];
  /** False: a path may begin with another AS than the neighbour's (route servers). */
  enforceFirstAs: boolean;
  nextHop: NextHopRule;
  /** Was taken out of the running configuration: it keeps its index, which others know it by, and nothing else. Never set by the loader. */
  removed?: boolean;
}

/** What happens to the next hop of a route that comes in: replaced by the neighbour's address, or kept. */
export type NextHopRule = 'neighbor-address' | 'as-received';

export interface PolicyConfig {
  prefixSets: PrefixSet[];
  asPathSets: AsPathSet[];
  communitySets: CommunitySet[];
  definitions: PolicyDefinition[];
}

/** A prefix and the mask lengths under it that match: `10.0.0.0/8` with 8..24. */
export interface PrefixRange {
  family: 0 | 1;
  /** Canonical text with length. */
  prefix: string;
  minLength: number;
  maxLength: number;
}

export interface PrefixSet {
  name: string;
  ranges: PrefixRange[];
}

/** Where in the AS path the number must stand: `^N_`, `_N_`, `_N$`. */
export type AsPathPosition = 'first' | 'any' | 'origin';

export interface AsPathSet {
  name: string;
  members: { position: AsPathPosition; as: number }[];
}

/** A standard (two numbers) or large (three numbers) community; '*' matches any value (only in sets and removals). */
export type CommunityPattern = readonly (number | '*')[];

export interface CommunitySet {
  name: string;
  large: boolean;
  members: CommunityPattern[];
}

export interface PolicyDefinition {
  name: string;
  statements: PolicyStatement[];
}

/** All conditions must hold; a statement without a disposition lets evaluation go on with the next one. */
export interface PolicyStatement {
  name: string;
  matchPrefixSet?: string;
  matchAsPathSet?: string;
  matchCommunitySet?: string;
  setLocalPref?: number;
  setMed?: number;
  addCommunities: CommunityPattern[];
  removeCommunities: CommunityPattern[];
  /** How many more times the router's own AS is put in front (export only). */
  prepend: number;
  disposition?: 'accept' | 'reject';
}

/** What every replica accepts from every neighbour before any policy, so that correct daemons agree. */
export interface AcceptanceConfig {
  /** Refused prefixes. What some daemon always refuses is refused whatever the file says (`ALWAYS_REFUSED`). */
  martians: PrefixRange[];
  rejectDefaultRoute: boolean;
  /** Longest AS_PATH accepted (an AS_SET counts as one); 0 = no limit. */
  maxAsPathLength: number;
}

export interface ReplicaConfig {
  name: string;
  kind: ReplicaKind;
  /** Absolute path of the daemon; undefined = where the distribution puts it. */
  binary?: string;
  /** Absolute path of a native configuration that replaces the generated one. */
  configFile?: string;
  /** User the daemon runs as; undefined = the driver's choice. */
  user?: string;
  environment: Record<string, string>;
  /** Always 'none' when the router's backend is 'none'. */
  fib: ReplicaFib;
  /** Takes the place of a replica that fails: `cold` is started only then, `warm` runs and is synchronised, but does not vote. */
  standby: Standby;
  deliver: Delivery;
  diversity: DiversityConfig;
}

export type Standby = 'no' | 'warm' | 'cold';
export const STANDBYS: readonly Standby[] = ['no', 'warm', 'cold'];

/** What makes replicas that share code fail at different times (DESIGN section 8). Everything is off by default. */
export interface DiversityConfig {
  /** Everything from a neighbour is handed on after a random delay in this range; the order per neighbour is kept. */
  deliveryDelay?: DelayRange;
  /** Sessions are opened, and opened again, after a random delay. */
  connectDelay?: DelayRange;
  /** A restart waits for so long in addition. */
  restartDelay?: DelayRange;
  /** A session of a neighbour that went away is closed after a random delay. */
  disconnectDelay?: DelayRange;
  /** Events of links, addresses and foreign routes reach the replica late, and only as the state that is left then. */
  interfaceEventDelay?: DelayRange;
  /** False: memory is laid out the same way at every start (ADDR_NO_RANDOMIZE). */
  addressSpaceRandomisation: boolean;
  /** MALLOC_PERTURB_, 1..255; undefined = not set. */
  mallocPerturb?: number;
  /** MALLOC_ARENA_MAX; undefined = not set. */
  mallocArenas?: number;
  /** LC_ALL; undefined = C. */
  locale?: string;
  /** TZ; undefined = not set. */
  timeZone?: string;
  /** Processors it may run on; undefined = all. */
  cpus?: number[];
  /** -20..19; undefined = as the hypervisor. */
  nice?: number;
}

/** Milliseconds, both included. */
export interface DelayRange {
  from: number;
  to: number;
}

/** The kernel's forwarding table. Table, protocol and metric are those of our own routes in the real kernel. */
export interface FibConfig {
  backend: FibBackend;
  /** Routing table number (254 = main). Next hops are resolved in the main table whatever this is. */
  table: number;
  /** rtm_protocol. */
  protocol: number;
  metric: number;
  /** A prefix is announced to neighbours only once the kernel has its route. */
  advertiseAfterInstall: boolean;
  /** The routes stay when the router is stopped. */
  keep: boolean;
  /** Milliseconds between two comparisons with the kernel. */
  auditInterval: number;
  /** Seconds that neighbours are asked to wait for us (RFC 4724); 0 = graceful restart is not offered. */
  restartTime: number;
  /** Milliseconds after a start for which routes of an earlier run may stay without a verdict. */
  staleRoutes: number;
}

export interface VotingConfig {
  strategy: VotingStrategy;
  /** wait-for-consensus: how many must say the same; 1..replicas. */
  k: number;
  minVotes: number;
  /** Replicas that must be ready to vote before neighbour sessions are opened. */
  quorum: number;
  /** Milliseconds, as all durations below. */
  stabilityThreshold: number;
  hangThreshold: number;
  faultThreshold: number;
  probeInterval: number;
  /** How long what was advertised stays when no replica is left. */
  holdWithoutReplicas: number;
  /** Attribute type codes left out of the comparison. */
  ignoreAttributes: number[];
  /** Whose word counts on a ballot that has no majority of stable votes; undefined = what is out stays. Index of a replica. */
  preferred?: number;
}

/** What happens to replicas that fail. Durations in milliseconds. */
export interface RecoveryConfig {
  /** Before the first restart; each further one of a row waits four times as long … */
  restartDelay: number;
  /** … and at most this long. */
  longestRestartDelay: number;
  /** A replica that has voted for so long begins a new row. */
  forgiveAfter: number;
  /** Restarts within `restartWindow`; with one more the replica is retired. 0 = no limit. */
  maxRestarts: number;
  restartWindow: number;
  /** A retired replica is tried again after this time; 0 = never by itself. */
  retireFor: number;
  /** A replica whose dissent outlives a restart is left alone when it is about no more prefixes than this. */
  fewPrefixes: number;
  /** On these prefixes its votes do not count any more. */
  muteFew: boolean;
  /** A standby that took somebody's place gives it back when the other has recovered. */
  failBack: boolean;
}

/** What happens to messages that a replica died of. */
export interface QuarantineConfig {
  enabled: boolean;
  /** Absolute path of the directory for the messages (BGP4MP_ET files). */
  directory: string;
  /** Bytes of messages that are remembered per session until they have proven harmless. */
  suspectBytes: number;
  /** Quarantined messages per replica; the oldest give way. */
  maxMessages: number;
  /** Suspects are tried on an instance of their own, which does not vote, so that the harmless ones can be released. */
  narrow: boolean;
}

export interface EarlyWarningConfig {
  enabled: boolean;
  /** Between two samples, ms. */
  interval: number;
  /** A replica with warnings is restarted, when enough others vote. */
  restart: boolean;
}

/** Addresses and numbers that only the hypervisor and its replicas see. */
export interface InternalConfig {
  /** The replica's own address on the internal sessions. */
  localAddress: string;
  probeAddress: string;
  tapAddress: string;
  probeAs: number;
  /** IPv4 prefix that the probe announces; exempt from the martian filter. */
  probePrefix: string;
  /** IPv4 prefix of length 24 or less, connected on the virtual link: each probe has another next hop in it, so that each is a route write. */
  probeNextHops: string;
  /** First 64 bits of the made-up addresses of split IPv6 sessions, as `fd62:7472::/64`. */
  peerRangeIpv6: string;
}

export interface LimitsConfig {
  maxPrefixes: number;
  maxAttributes: number;
  /** Bytes. */
  maxAttributeBytes: number;
  /** Bytes queued towards one replica for one neighbour before it gets the current state instead. */
  replicaQueueBytes: number;
}

export interface LoggingConfig {
  /** `verbose` is known to the command line only. */
  level: 'error' | 'warn' | 'info' | 'verbose' | 'debug';
  /** Absolute path of the hypervisor's log; undefined = standard error only. */
  file?: string;
}

/** How much the vote log tells: each level has what the one before it has. */
export type VoteLogLevel = 'faults' | 'dissent' | 'all';
export const VOTE_LOG_LEVELS: readonly VoteLogLevel[] = ['faults', 'dissent', 'all'];

export interface VoteLogConfig {
  /** Absolute path of the segment that is being written (JSON lines); older ones lie beside it. */
  file: string;
  level: VoteLogLevel;
  /** Bytes after which a new segment begins. */
  segmentSize: number;
  /** Bytes of all segments and their indexes together; the oldest give way. */
  sizeBudget: number;
}

/** Messages written down as BGP4MP_ET files. */
export interface RecordConfig {
  enabled: boolean;
  /** Absolute path of the directory. */
  directory: string;
  /** What neighbours sent, what each replica sent for each neighbour, and what went out to neighbours. */
  received: boolean;
  replicas: boolean;
  advertised: boolean;
  /** A file is closed and a new one begun after so many milliseconds, at multiples of it on the wall clock. */
  rotateAfter: number;
  /** Bytes (before compression) after which a file is closed early. */
  segmentSize: number;
  /** Bytes of all files together; the oldest give way. */
  sizeBudget: number;
  compress: boolean;
}

export interface HttpConfig {
  /** Off unless asked for. */
  enabled: boolean;
  address: string;
  port: number;
  /** Undefined with `open`: whoever reaches the port may read. */
  token?: string;
  open: boolean;
  /** Names, lower case, by which the server may be addressed, besides its addresses and `localhost`. */
  hosts: string[];
  /** The looking glass (birdwatcher) answers without a token: its usual clients cannot send one. */
  lookingGlass: boolean;
}

export interface BmpConfig {
  collectors: BmpCollector[];
}

/** What a collector is told: `pre-policy` Adj-RIB-In as received, `replicas` what each wanted to send, `post-policy` Adj-RIB-Out, `local-rib`. */
export type BmpView = 'pre-policy' | 'replicas' | 'post-policy' | 'local-rib';
export const BMP_VIEWS: readonly BmpView[] = ['pre-policy', 'replicas', 'post-policy', 'local-rib'];

export interface BmpCollector {
  address: string;
  port: number;
  views: BmpView[];
  /** Milliseconds between two statistics reports; 0 = none. */
  statisticsInterval: number;
  /** Bytes that wait for a slow collector before its connection is closed and begun anew. */
  bufferSize: number;
}
