// The sections vote-log:, record:, http: and bmp: of the configuration file: what operators and their tools can look at, live and later.
import path from 'node:path';
import {
  BMP_VIEWS,
  VOTE_LOG_LEVELS,
  type BmpCollector,
  type BmpConfig,
  type HttpConfig,
  type RecordConfig,
  type VoteLogConfig,
} from '../model.js';
import { address, filePath } from '../parsers.js';
import type { MapReader, Parse } from '../yaml-reader.js';
import { defined } from './fields.js';

const DAY_MS = 86_400_000;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const SIZES = { min: MIB, max: 2 ** 44 };
const SEGMENTS = { min: 65_536, max: GIB };

export function readVoteLog(root: MapReader, directory: string, runDirectory: string): VoteLogConfig {
  const reader = root.map('vote-log');
  const config: VoteLogConfig = {
    file: reader.text('file', filePath(directory)) ?? path.join(runDirectory, 'votes.jsonl'),
    level: reader.oneOf('level', VOTE_LOG_LEVELS, 'dissent'),
    segmentSize: reader.integer('segment-size', SEGMENTS, 64 * MIB),
    sizeBudget: reader.integer('size-budget', SIZES, GIB),
  };
  reader.finish();
  return config;
}

/** Recording is on when the section is there, unless it says otherwise. */
export function readRecord(root: MapReader, directory: string, runDirectory: string): RecordConfig {
  const present = root.has('record');
  const reader = root.map('record');
  const config: RecordConfig = {
    enabled: reader.boolean('enabled', present),
    directory: reader.text('directory', filePath(directory)) ?? path.join(runDirectory, 'recordings'),
    received: reader.boolean('received', true),
    replicas: reader.boolean('replicas', true),
    advertised: reader.boolean('advertised', true),
    rotateAfter: reader.duration('rotate-after', 900_000, { min: 1000, max: DAY_MS }),
    segmentSize: reader.integer('segment-size', SEGMENTS, 256 * MIB),
    sizeBudget: reader.integer('size-budget', SIZES, 4 * GIB),
    compress: reader.boolean('compress', true),
  };
  reader.finish();
  return config;
}

/** Long enough not to be guessed, and fit for a header field. */
const token: Parse<string> = (text) =>
  /^[\x21-\x7e]{16,128}$/.test(text) ? text : { expected: 'a token of 16 to 128 characters (ASCII, no spaces)' };

const hostName: Parse<string> = (text) =>
  /^[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?$/i.test(text)
    ? text.toLowerCase()
    : { expected: 'a host name without a port' };

const isLoopback = (text: string): boolean => text === '::1' || text.startsWith('127.');

/** HTTP is on when the section is there. It must say who may ask: a token, or everybody (`open`). */
export function readHttp(root: MapReader): HttpConfig {
  const present = root.has('http');
  const reader = root.map('http');
  const config: HttpConfig = {
    enabled: reader.boolean('enabled', present),
    address: reader.text('address', address) ?? '127.0.0.1',
    port: reader.integer('port', { min: 1, max: 65_535, what: 'a TCP port' }, 9179),
    ...defined({ token: reader.secret('token', token) }),
    open: reader.boolean('open', false),
    hosts: reader.list('hosts').flatMap((item) => reader.parseItem(item, hostName) ?? []),
    lookingGlass: reader.boolean('looking-glass', false),
  };
  const remote = reader.boolean('allow-remote', false);
  if (config.enabled && config.token === undefined && !config.open) {
    reader.source.report(
      reader.item,
      'expected a token, or open: true if whoever reaches the port may read everything',
    );
  }
  if (!remote && !isLoopback(config.address)) {
    reader.error('address', 'expected a loopback address; others need allow-remote: true');
  }
  reader.finish();
  return config;
}

export function readBmp(root: MapReader): BmpConfig {
  const reader = root.map('bmp');
  const readers = reader.maps('collectors');
  const collectors = readers.map(readCollector);
  collectors.forEach(({ address: to, port }, i) => {
    const earlier = collectors.findIndex((other) => other.address === to && other.port === port);
    if (to !== '' && earlier < i) readers[i].error('address', `is already bmp.collectors[${earlier}], port and all`);
  });
  reader.finish();
  return { collectors };
}

function readCollector(reader: MapReader): BmpCollector {
  const views = reader.list('views').flatMap((item) => {
    const view = reader.parseItem(item, (text) => {
      const found = BMP_VIEWS.find((word) => word === text);
      return found ?? { expected: `one of ${BMP_VIEWS.join(', ')}` };
    });
    return view === undefined ? [] : [view];
  });
  const collector: BmpCollector = {
    address: reader.text('address', address, 'the address of the collector') ?? '',
    port: reader.integer('port', { min: 1, max: 65_535, what: 'a TCP port' }, 11_019),
    views: reader.has('views') ? views : [...BMP_VIEWS],
    statisticsInterval: reader.duration('statistics-interval', 60_000, { min: 0, max: DAY_MS }),
    bufferSize: reader.integer('buffer-size', { min: MIB, max: GIB }, 64 * MIB),
  };
  reader.finish();
  return collector;
}
