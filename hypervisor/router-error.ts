// Why a router cannot run, for its user. Owns the word only.

/** What keeps the router from running; the message is for the user. */
export class RouterError extends Error {}

/** For promises whose errors say what could not be had. */
export function toRouterError(error: unknown): never {
  throw new RouterError((error as Error).message);
}

/** What `open` gives; when it throws, a RouterError that says what could not be had. */
export function orRouterError<T>(what: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new RouterError(`${what}: ${(error as Error).message}`);
  }
}
