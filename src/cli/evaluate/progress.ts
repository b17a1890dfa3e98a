/** Progress of reading large inputs. Small ones are read before a line could be of use. */
import { stat } from 'node:fs/promises'

/** @param what the unit that is counted */
export type OnProgress = (done: number, total: number, what: string) => void

const MIN_BYTES = 32 * 2 ** 20
const MIN_FILES = 1000
const MIB = 2 ** 20

/** @returns counts bytes of all `files` together; undefined if they are small */
export async function byteProgress(
  files: readonly string[],
  onProgress: OnProgress | undefined,
): Promise<((bytes: number) => void) | undefined> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (!onProgress || total < MIN_BYTES) return undefined
  let done = 0
  return (bytes) => {
    done += bytes
    onProgress(Math.floor(done / MIB), Math.floor(total / MIB), 'MiB read')
  }
}

/** @returns call it after each of `total` files */
export function fileProgress(total: number, onProgress: OnProgress | undefined): () => void {
  let done = 0
  return () => {
    done++
    if (total >= MIN_FILES) onProgress?.(done, total, 'images read')
  }
}
