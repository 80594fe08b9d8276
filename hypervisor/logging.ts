// The hypervisor's own log (winston): what an operator reads on stderr or in the journal. The vote log is another thing (vote-log.ts).
import process from 'node:process';
import winston from 'winston';

export type Logger = winston.Logger;

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
  return `${String(timestamp)} ${level.padEnd(5)} ${String(message)}${rest}`;
});

/** Creates the process's logger; everything goes to stderr (and to `file`) so that stdout stays free for results. */
export function createLogger(options: LogOptions): Logger {
  return winston.createLogger({
    level: options.level,
    format: options.json
      ? winston.format.combine(winston.format.timestamp(), winston.format.json())
      : winston.format.combine(winston.format.timestamp(), text),
    transports: [
      new winston.transports.Stream({ stream: process.stderr }),
      ...(options.file === undefined
        ? []
        : [new winston.transports.File({ filename: options.file, maxsize: 16 << 20, maxFiles: 4, tailable: true })]),
    ],
  });
}
