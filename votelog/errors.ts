// What goes wrong with a vote log in a way that its reader has to be told.

/** The message is for the user. */
export class LogError extends Error {
  override readonly name = 'LogError';
}
