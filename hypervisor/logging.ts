// The hypervisor's own log (winston): what an operator reads on stderr or in the journal. A record is one line, whatever neighbours and
// daemons have put into it, and nothing in it moves a terminal. The vote log is another thing (vote-log.ts).
import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import winston from 'winston';
import { asciiJson, safeText } from '../wire/safe-text.js';

export type Logger = winston.Logger;

/** Where formats put the line that is written (triple-beam). */
const MESSAGE = Symbol.for('message');

export interface LogOptions {
  /** error, warn, info, verbose or debug. */
  level: string;
  /** One JSON object per line in place of text. */
  json: boolean;
  /** Also written to this file, rotated at 16 MiB, four kept. */
  file?: string | undefined;
}

const text = winston.format.printf(({ level, message, timestamp, ...fields }) => {
  const rest = Object.entries(fields)
    .filter(([, value]) => typeof value !== 'object' && value !== undefined)
    .map(([key, value]) => ` ${key}=${String(value)}`)
    .join('');
  return safeText(`${String(timestamp)} ${level.padEnd(5)} ${String(message)}${rest}`);
});

/** What `winston.format.json` has made, in ASCII. */
const ascii = winston.format((info) => {
  const json: unknown = info[MESSAGE];
  return typeof json === 'string' ? { ...info, [MESSAGE]: asciiJson(json) } : info;
});

/** Creates the process's logger; everything goes to stderr (and to `file`) so that stdout stays free for results. */
export function createLogger(options: LogOptions): Logger {
  return winston.createLogger({
    level: options.level,
    format: options.json
      ? winston.format.combine(winston.format.timestamp(), winston.format.json(), ascii())
      : winston.format.combine(winston.format.timestamp(), text),
    transports: [
      new winston.transports.Stream({ stream: process.stderr }),
      ...(options.file === undefined ? [] : [fileTransport(options.file)]),
    ],
  });
}

/** The log goes on in `file`, or in none but standard error. Throws what the file system says when that cannot be; then nothing changes. */
export function setLogFile(log: Logger, file: string | undefined): void {
  if (file !== undefined) closeSync(openSync(file, 'a', 0o640));
  for (const transport of [...log.transports]) {
    if (transport instanceof winston.transports.File) log.remove(transport);
  }
  if (file !== undefined) log.add(fileTransport(file));
}

function fileTransport(filename: string): winston.transport {
  return new winston.transports.File({ filename, maxsize: 16 << 20, maxFiles: 4, tailable: true });
}
