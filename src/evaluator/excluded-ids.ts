/**
 * Reads `spec.evaluation.exclude`, the list that `downpour data dedup` writes: an example of the evaluation set on each
 * line, its id up to the first tab. Empty lines and lines that begin with `#` say nothing.
 */
import { readRegular } from '../data/regular-file.ts'
import { isMissing } from '../data/unreadable.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import { decodeUtf8 } from '../support/utf8.ts'

const MAX_FILE_BYTES = 2 ** 28
/** Far more than evaluation sets have: the ids are kept in memory. */
const MAX_IDS = 2_000_000

/** @throws DownpourError DATA_MISSING, DATA_UNREADABLE, DATA_EXCLUDE_INVALID; Node's error when the storage fails */
export async function readExcludedIds(path: string): Promise<ReadonlySet<string>> {
  const bytes = await readRegular(path, MAX_FILE_BYTES).catch((error) => {
    if (!isMissing(error.cause)) throw error
    const message = `${printable(path)}: cannot be read (${errorMessage(error.cause)}); expected a list of image ids`
    throw new DownpourError('DATA_MISSING', message, { path }, { cause: error })
  })
  const ids = new Set<string>()
  for (const line of linesOf(textOf(bytes, path))) {
    const [id = ''] = line.split('\t', 1)
    if (id !== '' && !id.startsWith('#')) ids.add(id)
    if (ids.size > MAX_IDS) throw invalid(path, `has more than ${MAX_IDS} ids`)
  }
  return ids
}

/** @throws DownpourError DATA_EXCLUDE_INVALID */
function textOf(bytes: Uint8Array, path: string): string {
  const text = decodeUtf8(bytes)
  if (text === undefined || text.includes('\0')) throw invalid(path, 'is not text in UTF-8')
  return text
}

/** One at a time, because an array of all lines would need the memory a second time. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start)
    const end = found < 0 ? text.length : found
    yield text.slice(start, text[end - 1] === '\r' ? end - 1 : end)
    start = end + 1
  }
}

function invalid(path: string, problem: string): DownpourError {
  const message = `${printable(path)}: ${problem}; expected a list of image ids, one a line, as data dedup writes it`
  return new DownpourError('DATA_EXCLUDE_INVALID', message, { path })
}
