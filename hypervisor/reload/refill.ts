// Puts other contents into an object that many parts keep. Owns no more than that.

/** `target` has the members of `source` after this, and no others. */
export function refill(target: object, source: object): void {
  for (const key of Object.keys(target)) if (!(key in source)) delete (target as Record<string, unknown>)[key];
  Object.assign(target, source);
}
