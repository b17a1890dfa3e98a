/** What a name alone says of a file or folder, so that millions of pictures are listed without opening one. */
import type { Kind } from './kinds.ts'

const alternatives = (words: string) => words.trim().split(/\s+/).join('|')
const ending = (words: string) => new RegExp(`\\.(${alternatives(words)})$`, 'i')

/** Hidden things are of notebooks, version control, caches, macOS, NAS snapshots and Kubernetes mounts; these are not hidden. */
const SYSTEM = [
  // ext4, Windows, Android, macOS archives
  'lost\\+found',
  '\\$recycle\\.bin|system volume information|found\\.\\d{3}|lost\\.dir|__macosx',
  'thumbs\\.db(:encryptable)?|ehthumbs(_vista)?\\.db|desktop\\.ini|icon\\r',
  'network trash folder|temporary items|thevolumesettingsfolder',
  // Synology, QNAP, NetApp
  '@eadir|@tmp|@recycle|@recently-snapshot|@sharebin|@sharesnap|#recycle|#snapshot|~snapshot',
  // Python, Spark, editors
  '__pycache__|_temporary|.*~',
]
const SYSTEM_NAME = new RegExp(`^(\\..*|${SYSTEM.join('|')})$`, 'is')
/** Words that may be classes, unless a system shouts them. */
const SHOUTED = new Set(['RECYCLER', 'RECYCLED', '_SUCCESS'])
const UNFINISHED = ending('part partial crdownload download opdownload incomplete tmp temp filepart aria2 !ut !qb swp')
const UNFINISHED_PREFIX = /^temp[-_]/i
const PICTURE = ending('jpg jpeg jpe jfif pjpeg png apng webp gif tif tiff avif')
/** Raw files of cameras are TIFF by their first bytes, and hold a small preview besides the picture. */
const CAMERA_RAW = ending(
  '3fr arw cr2 cr3 crw dcr dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 sr2 srf srw x3f',
)
const ARCHIVE = ending('tar tgz tbz2 txz zip 7z rar gz gzip bz2 xz zst lz4 zlib deflate')
const COMPRESSED = ending('gz gzip bz2 xz zst lz4 zlib deflate')
const NOTES = ending('txt json xml csv tsv yaml yml md5 caption cap cls npy npz html md')
/** Parts of a data set, never classes when all folders are named so. */
const SPLIT = /^(train(ing)?|val(id(ation)?|idate)?|test(ing)?|dev|eval(uation)?|hold-?out)$/i

export function isSystem(name: string): boolean {
  return SYSTEM_NAME.test(name) || SHOUTED.has(name)
}

export function isUnfinished(name: string): boolean {
  return UNFINISHED.test(name)
}

/** Of shards: Beam writes `temp-…` before it renames. */
export function isUnfinishedShard(name: string): boolean {
  return UNFINISHED.test(name) || UNFINISHED_PREFIX.test(name)
}

export function isPictureName(name: string): boolean {
  return PICTURE.test(name)
}

export function isArchiveName(name: string): boolean {
  return ARCHIVE.test(name)
}

export function isCompressedName(name: string): boolean {
  return COMPRESSED.test(name)
}

export function isSplit(name: string): boolean {
  return SPLIT.test(name)
}

/** Node puts this character where a name is not UTF-8; such a name leads to no file. */
export function isBadName(name: string): boolean {
  return name.includes('\ufffd')
}

/** The same for names that people take for one: of other case, blanks, width, or with characters that are not seen. */
export function lookalikeKey(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .toLowerCase()
}

/** What a file is whatever it holds; undefined: its first bytes must say. */
export function kindByName(name: string): Kind | undefined {
  if (isSystem(name)) return 'system'
  if (isBadName(name)) return 'badName'
  if (UNFINISHED.test(name)) return 'unfinished'
  if (CAMERA_RAW.test(name)) return 'unreadPicture'
  return undefined
}

/** `cat.txt`, `cat.json` or `cat.jpg.json` beside `cat.jpg`: sets from the web have such a file for every picture. */
export function isNoteOn(name: string, pictures: ReadonlySet<string>): boolean {
  return NOTES.test(name) && pictures.has(stem(name))
}

/** Each picture's name, and the name without its ending: what `isNoteOn` looks up. */
export function stemsOf(pictures: readonly string[]): Set<string> {
  return new Set(pictures.flatMap((name) => [name, stem(name)]))
}

function stem(name: string): string {
  return name.slice(0, name.lastIndexOf('.'))
}
