/** Recognises a file by its first bytes. */

export type Content = 'picture' | 'unreadPicture' | 'archive' | 'other'

export interface Signature {
  content: Content
  /** As messages call it. */
  name: string
  /** What the user can do where a picture was expected. */
  advice?: string
}

/** How many bytes `signatureOf` needs: the mark of a tar archive is at byte 257. */
export const SIGNATURE_BYTES = 512

const CONVERT = 'convert it to JPEG or PNG'
const picture = (name: string) => ({ content: 'picture', name }) as const
const unread = (name: string) => ({ content: 'unreadPicture', name, advice: CONVERT }) as const
const archive = (name: string) => ({ content: 'archive', name, advice: 'unpack it' }) as const

/** Marks in Latin-1, at byte 0 unless `at` is given. The first match counts. */
const MAGIC: readonly (Signature & { text: string; at?: number })[] = [
  { text: '\xff\xd8\xff', ...picture('a JPEG') },
  { text: '\x89PNG\r\n\x1a\n', ...picture('a PNG') },
  { text: 'GIF8', ...picture('a GIF') },
  { text: 'WEBP', at: 8, ...picture('a WebP') },
  { text: 'II*\0', ...picture('a TIFF') },
  { text: 'MM\0*', ...picture('a TIFF') },
  { text: 'II+\0', ...picture('a TIFF') },
  { text: 'MM\0+', ...picture('a TIFF') },
  { text: '\0\0\0\0', at: 6, ...unread('a BMP picture') },
  { text: '\xff\x0a', ...unread('a JPEG XL picture') },
  { text: 'JXL ', at: 4, ...unread('a JPEG XL picture') },
  { text: 'jP  ', at: 4, ...unread('a JPEG 2000 picture') },
  { text: '8BPS', ...unread('a Photoshop picture') },
  { text: '\0\0\x01\0', ...unread('an icon') },
  { text: 'PK\x03\x04', ...archive('a ZIP archive') },
  { text: 'PK\x05\x06', ...archive('an empty ZIP archive') },
  { text: '\x1f\x8b', ...archive('compressed by gzip') },
  { text: 'BZh', ...archive('compressed by bzip2') },
  { text: '\xfd7zXZ', ...archive('compressed by xz') },
  { text: '\x28\xb5\x2f\xfd', ...archive('compressed by zstd') },
  { text: '7z\xbc\xaf\x27\x1c', ...archive('a 7z archive') },
  { text: 'Rar!\x1a\x07', ...archive('a RAR archive') },
  { text: 'ustar', at: 257, ...archive('a tar archive') },
  { text: '\0\x05\x16\x07', content: 'other', name: 'a file of macOS (AppleDouble)', advice: 'delete it' },
  pointer('version https://git-lfs.github.com/spec/', 'Git LFS', 'git lfs pull'),
  pointer('/annex/objects/', 'git-annex', 'git annex get'),
  pointer('# xet version', 'Xet', 'download the data set with a client that supports Xet'),
]

/** @returns undefined for what is not known */
export function signatureOf(bytes: Uint8Array): Signature | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SIGNATURE_BYTES)).toString('latin1')
  if (head.startsWith('ftyp', 4)) return mediaSignature(head)
  return MAGIC.find((magic) => head.startsWith(magic.text, magic.at ?? 0) && isWhole(magic, head)) ?? markup(head)
}

/** Why bytes that no decoder accepts are not a picture; undefined where the signature does not explain it. */
export function whyNoPicture(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'it is empty'
  const found = signatureOf(bytes)
  if (!found || found.content === 'picture') return undefined
  return `it is ${found.name}${found.advice ? `: ${found.advice}` : ''}`
}

/** Four zeros at byte 6 are too weak a mark for BMP, so its first two letters must match as well. */
function isWhole({ name }: Signature, head: string): boolean {
  return name !== 'a BMP picture' || head.startsWith('BM')
}

/** HEIC, AVIF and MP4 share a container, whose first box names the brand. */
function mediaSignature(head: string): Signature {
  const brands = head.slice(8, Math.min(head.charCodeAt(3) || 16, 64))
  if (/avi[fs]/.test(brands)) return picture('an AVIF')
  if (/hei[cxms]|hev[cxms]|mif1|msf1/.test(brands)) return unread('an HEIC picture')
  if (/crx/.test(brands)) return unread("a camera's raw picture")
  return { content: 'other', name: 'a video or sound', advice: 'extract pictures from it' }
}

function markup(head: string): Signature | undefined {
  const text = head.replace('\xef\xbb\xbf', '').trimStart().toLowerCase()
  if (text.startsWith('<svg') || (text.startsWith('<?xml') && text.includes('<svg'))) return unread('an SVG drawing')
  if (!/^<(!doctype html|html|head|body)/.test(text)) return undefined
  return { content: 'other', name: 'a web page', advice: 'the download failed; fetch it again' }
}

function pointer(text: string, tool: string, command: string) {
  const name = `a pointer of ${tool}, not the file`
  return { text, content: 'other', name, advice: command } as const
}
