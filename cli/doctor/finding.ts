// What `btr doctor` has to say about one thing. Public as `btr doctor --json`: fields are added, not renamed.

/**
 * `problem`: the router does not run like that, or not as configured. `warning`: it runs, and something will hurt sooner or later. `note`:
 * worth knowing. `ok`: looked at, and right.
 */
export type Level = 'ok' | 'note' | 'warning' | 'problem';

export interface Finding {
  area: 'program' | 'configuration' | 'privileges' | 'kernel' | 'daemons' | 'ports' | 'directories' | 'machine';
  /** What was looked at, the same on every machine where that is possible. */
  name: string;
  level: Level;
  /** What was found. */
  text: string;
  /** What to do about it; null when there is nothing to do. */
  advice: string | null;
}

type Area = Finding['area'];

export const ok = (area: Area, name: string, text: string): Finding => ({
  area,
  name,
  level: 'ok',
  text,
  advice: null,
});

export const note = (area: Area, name: string, text: string, advice: string | null = null): Finding => ({
  ...{ area, name, level: 'note', text, advice },
});

export const warning = (area: Area, name: string, text: string, advice: string): Finding => ({
  ...{ area, name, level: 'warning', text, advice },
});

export const problem = (area: Area, name: string, text: string, advice: string): Finding => ({
  ...{ area, name, level: 'problem', text, advice },
});

/** `error` in the system's words. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
