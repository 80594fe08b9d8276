// What the verbs make text safe with before a terminal sees it; the log of the running router needs the same (wire/safe-text.ts).
export { safeJson, safeLines, safeText } from '../../wire/safe-text.js';
