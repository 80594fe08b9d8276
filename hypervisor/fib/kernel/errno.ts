// Names of error numbers, for messages.
import koffi from 'koffi';

// Reversed: of two names for one number the first stays (EAGAIN, not EWOULDBLOCK).
const names = new Map(
  Object.entries(koffi.os.errno)
    .reverse()
    .map(([name, value]) => [value, name]),
);

/** `ENETUNREACH` for 101. */
export function errorName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}
