/** Reads the members of a tar file one after the other, so that a shard of any size needs the memory of one member. */
import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { extract, type Header } from 'tar-stream'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { openRegular } from '../regular-file.ts'
import { unreadable } from '../unreadable.ts'
import { SIGNATURE_BYTES, signatureOf } from './signature.ts'

const READ_BYTES = 1 << 20
/** A tar file ends with two blocks of zeros. */
const END_BYTES = 1024
/** Far larger than any picture, so that the size in a header cannot fill the memory. */
const MAX_MEMBER_BYTES = 512 * 2 ** 20
/** Tar files of before POSIX, without a mark at byte 257, are read, too. The option is missing in the package's types. */
const EXTRACT: Parameters<typeof extract>[0] & { allowUnknownFormat: boolean } = { allowUnknownFormat: true }
const TAR_MARK = { text: 'ustar', at: 257 }

/** `name` has no leading `./`. A member that is neither a file nor a folder is damage. */
export type TarItem =
  | { readonly type: 'member'; readonly name: string; readonly data: Buffer }
  | { readonly type: 'corrupt'; readonly name?: string; readonly reason: string }

/**
 * Files of a tar, with long names of GNU and PAX. After a damaged header the next member cannot be found, so the rest of
 * the file counts as one corruption.
 * @param isWanted the data of other members is skipped, and they are not returned
 * @throws DownpourError DATA_UNREADABLE when the file is missing or of another kind; errors of the disk unchanged
 */
export async function* readTar(path: string, isWanted: (name: string) => boolean): AsyncGenerator<TarItem> {
  const file = await openRegular(path)
  try {
    await mustBeTar(path, file)
    const hasEnd = await endsWithZeros(file)
    let isWhole = true
    for await (const item of membersOf(path, file, isWanted)) {
      isWhole = item.type === 'member' || item.name !== undefined
      yield item
    }
    const reason = 'the end mark of the tar file is missing: the file may be truncated'
    if (!hasEnd && isWhole) yield { type: 'corrupt', reason }
  } finally {
    await file.close()
  }
}

async function* membersOf(
  path: string,
  file: FileHandle,
  isWanted: (name: string) => boolean,
): AsyncGenerator<TarItem> {
  const source = file.createReadStream({ start: 0, highWaterMark: READ_BYTES, autoClose: false })
  const members = extract(EXTRACT)
  let diskError: unknown
  source.once('error', (error) => (diskError = error))
  // The loop below throws every error, too.
  pipeline(source, members, () => {})
  let last = 'the beginning'
  try {
    for await (const member of members) {
      const { header } = member
      const name = header.name.replace(/^(\.\/+)+/, '')
      last = `member ${printable(name)}`
      const problem = isWanted(name) ? problemOf(header) : undefined
      const isRead = isWanted(name) && problem === undefined && header.type !== 'directory'
      const data = isRead ? await bytesOf(member) : undefined
      if (data) yield { type: 'member', name, data }
      else if (problem) yield { type: 'corrupt', name, reason: problem }
      member.resume()
    }
  } catch (error) {
    if (diskError !== undefined) throw unreadable(path, diskError)
    yield { type: 'corrupt', reason: `damaged at or after ${last}: ${errorMessage(error)}` }
  } finally {
    source.destroy()
  }
}

function problemOf({ type, size }: Header): string | undefined {
  if (type === 'symlink' || type === 'link') {
    return 'it is a link, and a sample needs the file itself: pack with tar --dereference --hard-dereference'
  }
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory')
    return `it is not a file (${type ?? 'unknown'})`
  return size > MAX_MEMBER_BYTES ? `it has ${size} bytes; at most ${MAX_MEMBER_BYTES} are read` : undefined
}

async function bytesOf(member: AsyncIterable<unknown>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of member) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

async function endsWithZeros(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  const end = Buffer.alloc(END_BYTES, 1)
  await file.read(end, 0, END_BYTES, Math.max(0, size - END_BYTES))
  return end.every((byte) => byte === 0)
}

/** A file of another kind is an error instead of damage, because none of its samples could ever be read. */
async function mustBeTar(path: string, file: FileHandle): Promise<void> {
  const head = Buffer.alloc(SIGNATURE_BYTES)
  const { bytesRead } = await file.read(head, 0, SIGNATURE_BYTES, 0)
  // A tar file begins with a name, which may look like the mark of another kind.
  if (head.toString('latin1', TAR_MARK.at).startsWith(TAR_MARK.text)) return
  const found = signatureOf(head.subarray(0, bytesRead))
  if (!found) return
  const advice = found.content === 'archive' ? '; unpack it' : found.advice ? `; ${found.advice}` : ''
  throw new DownpourError('DATA_UNREADABLE', `${printable(path)}: not a tar file: it is ${found.name}${advice}`, {
    path,
  })
}
