// How reloads are asked for: by the control socket's methods, and by SIGHUP, whose answer is the log. Owns these ways in; the reload itself is
// reload-desk.ts.
import { renderDiff } from '../../configs/diff/render.js';
import type { RouterContext } from '../context.js';
import type { Method } from '../control/server.js';
import type { Logger } from '../logging.js';
import { changeLogLevels } from './log-levels.js';
import type { ReloadDesk } from './reload-desk.js';

export function reloadMethods(desk: ReloadDesk, context: RouterContext): Record<string, Method> {
  return {
    'config-diff': (params) => desk.compare(params),
    reload: (params) => desk.begin(params),
    'reload-status': () => desk.status,
    'log-level': (params) => changeLogLevels(context, params),
  };
}

/** The configuration file as it is now; nobody is there who could confirm anything. */
export function reloadByItself(desk: ReloadDesk, log: Logger): void {
  try {
    const { file, digest, errors, changes, restarts } = desk.compare({});
    for (const line of errors) log.error(`reload: ${line}`);
    if (errors.length > 0) log.error(`reload: ${file} is not right: nothing was changed`);
    else if (changes.length === 0 && restarts.length === 0) log.info(`reload: ${file}: no difference`);
    else {
      for (const line of renderDiff({ changes }).split('\n')) log.info(`reload: ${line}`);
      desk.begin({ digest });
    }
  } catch (error) {
    log.error(`reload: ${(error as Error).message}`);
  }
}
