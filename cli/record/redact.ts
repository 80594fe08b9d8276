// A configuration file without its secrets, so that it can be handed to others. Owns which keys are secret; fails closed: a file that cannot
// be understood is not shown at all.
import { isMap, isScalar, parseDocument, visit } from 'yaml';

const SECRET_KEYS = new Set(['auth-password', 'token']);
const REMOVED = '(removed)';
/** A commented-out setting. */
const COMMENTED = /(#.*\b(?:auth-password|token)\b["']?\s*:\s*).*/g;
/** A secret of this length is also removed where it stands by itself (as an anchor, in a comment). */
const MIN_EVERYWHERE = 4;

/** The same file with `(removed)` for each secret, or undefined when it is no valid YAML. */
export function redactConfig(text: string): string | undefined {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !(document.contents === null || isMap(document.contents))) return undefined;
  const secrets: string[] = [];
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || !SECRET_KEYS.has(String(pair.key.value))) return undefined;
      const value = isScalar(pair.value) ? pair.value.value : pair.value;
      if (typeof value === 'string' || typeof value === 'number') secrets.push(String(value));
      // An alias: the secret stands at its anchor.
      else if (value !== null) secrets.push(...stringsIn(document.toJS(), String(pair.key.value)));
      pair.value = document.createNode(REMOVED);
      return visit.SKIP;
    },
  });
  let clean = document.toString({ lineWidth: 0 }).replaceAll(COMMENTED, `$1${REMOVED}`);
  for (const secret of secrets) if (secret.length >= MIN_EVERYWHERE) clean = clean.replaceAll(secret, REMOVED);
  return clean;
}

/** All values of this key, wherever it is. */
function stringsIn(value: unknown, key: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => stringsIn(item, key));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) =>
    name === key && typeof item !== 'object' ? [String(item)] : stringsIn(item, key),
  );
}
