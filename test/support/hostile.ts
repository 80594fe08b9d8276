// What text from the network, from daemons or out of a log may hold, and what of it must never reach a terminal. Owns both lists.

const ESC = '\u001b';
/** Each would do something to a terminal or to what is read on it. */
export const HOSTILE: readonly string[] = [
  `${ESC}[2J${ESC}[H${ESC}[31mall is well`,
  `${ESC}]0;title\u0007${ESC}]52;c;aGk=\u0007`,
  `${ESC}Pdevice control${ESC}\\`,
  '\u009b31m\u0085\u0090\u009d',
  'carriage\rreturn\u0008\u0008\u007f\u0000\u000b\u000c\u000e\u000f',
  'a line\nforged: line\r\nforged: another',
  '\u202ereversed\u202c \u2066isolated\u2069 \u061c\u200e\u200f',
  'in\u200bvi\u2060si\ufeffble\u00ad \u{e0041}\u{e007f}\ufe0f\u{e0100}',
  'lines\u2028and\u2029paragraphs',
  '\ud800 lone \udfff \uffff \u{10ffff} \ue000',
  `z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309a`,
  '漢字\u3000\u3164\u2800\u00a0',
  '</script><img src=x onerror=alert(1)>" \' ` $(reboot) %s %n \\',
];

/** C0 but for the line end, DEL, C1, format characters (bidirectional controls among them), surrogates, private, unassigned, separators. */
const FORBIDDEN = /[\x00-\x09\x0b-\x1f\x7f-\x9f\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029\ufe00-\ufe0f\u3164\u2800]/u;
const PILED_UP = /\p{M}{5}/u;

/** What of `text` must not reach a terminal, with its surroundings; undefined when there is none. */
export function dangerIn(text: string): string | undefined {
  for (const pattern of [FORBIDDEN, PILED_UP, /^forged:/m]) {
    const at = text.search(pattern);
    if (at >= 0) return JSON.stringify(text.slice(Math.max(0, at - 30), at + 30));
  }
  return undefined;
}

/** The same value with `evil` behind every text in it, but for those under the keys of `keep` (words that are ours alone). */
export function poisoned<T>(value: T, evil: string, keep: ReadonlySet<string>): T {
  const poison = (part: unknown, key: string): unknown => {
    if (typeof part === 'string') return keep.has(key) ? part : part + evil;
    if (Array.isArray(part)) return part.map((one) => poison(one, key));
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, one]) => [name, poison(one, name)]));
  };
  return poison(value, '') as T;
}
