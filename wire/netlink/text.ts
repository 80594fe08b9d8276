// Strings in netlink attributes: bytes that end at the first zero or with the attribute. Names of interfaces may hold any byte but slash,
// space and zero; what is not printable ASCII is shown escaped, so that no name can play tricks on a terminal or a log.

/** The string in `length` bytes at `at`. */
export function formatText(buf: Uint8Array, at: number, length: number): string {
  let text = '';
  for (let i = at; i < at + length && buf[i] !== 0; i++) {
    const byte = buf[i];
    text += byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}
