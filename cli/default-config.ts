// Where the configuration of the system's router lies, for verbs that are not told of a file.
import { existsSync } from 'node:fs';
import { UserError } from './errors.js';

export const DEFAULT_CONFIG = '/etc/btr/router.yaml';

/** `given`, else the system's. Throws UserError (status 66) when there is neither. */
export function configFile(given: string | undefined): string {
  if (given !== undefined) return given;
  if (existsSync(DEFAULT_CONFIG)) return DEFAULT_CONFIG;
  throw new UserError(`no configuration file was given, and there is no ${DEFAULT_CONFIG}`, 66);
}
