/** The text of an XML file, which says its encoding itself: tools on Windows write ISO-8859-1, GBK and UTF-16. */
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'

/** Room for the declaration with which a file begins. */
const HEAD_BYTES = 256
const DECLARED = /^\s*<\?xml\s[^>]*?\bencoding\s*=\s*(["'])(.*?)\1/
/** First bytes of a file in UTF-16: its mark, or `<`. */
const UTF_16: readonly (readonly [encoding: string, bytes: readonly number[]])[] = [
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
  ['utf-16le', [0x3c, 0x00]],
  ['utf-16be', [0x00, 0x3c]],
]

/** @param file for messages. @throws DownpourError VOC_INVALID: an unknown encoding, or bytes that it does not have */
export function xmlText(bytes: Uint8Array, file: string): string {
  const encoding = encodingOf(bytes)
  const fail = (problem: string, cause: unknown) =>
    new DownpourError('VOC_INVALID', `${file}: ${problem}`, { file, encoding }, { cause })
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (error) {
    // The decoder cannot be made (RangeError), or cannot read the bytes (TypeError).
    throw error instanceof RangeError
      ? fail(`encoding: ${shownValue(encoding)}: expected a known one, such as UTF-8`, error)
      : fail(`is not text in ${encoding}: expected UTF-8, or <?xml … encoding="…"?> with another encoding`, error)
  }
}

/** A file whose declaration can be read byte by byte is not in UTF-16, even if it says so, as .NET lets files say. */
function encodingOf(bytes: Uint8Array): string {
  const wide = UTF_16.find(([, start]) => start.every((byte, i) => bytes[i] === byte))
  if (wide) return wide[0]
  const declared = DECLARED.exec(Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString('latin1'))?.[2]
  return declared === undefined || /^utf-?16/i.test(declared) ? 'utf-8' : declared
}
