/** Classifies files and folders by name alone, so that millions of pictures are listed without opening them. */
import type { Kind } from './kinds.ts'

const alternatives = (list: string) => list.trim().split(/\s+/).join('|')
const ending = (list: string) => new RegExp(`\\.(${alternatives(list)})$`, 'i')

/**
 * Besides hidden names, which belong to notebooks, version control, caches, macOS, NAS snapshots and Kubernetes mounts.
 */
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
/** In lower case these may be classes; systems write them in upper case. */
const UPPER_CASE_SYSTEM = new Set(['RECYCLER', 'RECYCLED', '_SUCCESS'])
const UNFINISHED = ending('part partial crdownload download opdownload incomplete tmp temp filepart aria2 !ut !qb swp')
const UNFINISHED_PREFIX = /^temp[-_]/i
const PICTURE = ending('jpg jpeg jpe jfif pjpeg png apng webp gif tif tiff avif')
/** By their first bytes, raw files of cameras are TIFF, and libvips would decode their small preview. */
const CAMERA_RAW = ending(
  '3fr arw cr2 cr3 crw dcr dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 sr2 srf srw x3f',
)
const ARCHIVE = ending('tar tgz tbz2 txz zip 7z rar gz gzip bz2 xz zst lz4 zlib deflate')
const COMPRESSED = ending('gz gzip bz2 xz zst lz4 zlib deflate')
const NOTES = ending('txt json xml csv tsv yaml yml md5 caption cap cls npy npz html md')
/** Parts of a data set: when all folders have such names, they are not classes. */
const SPLIT = /^(train(ing)?|val(id(ation)?|idate)?|test(ing)?|dev|eval(uation)?|hold-?out)$/i

export function isSystem(name: string): boolean {
  return SYSTEM_NAME.test(name) || UPPER_CASE_SYSTEM.has(name)
}

export function isUnfinished(name: string): boolean {
  return UNFINISHED.test(name)
}

/** For shards: Beam writes `temp-…` and renames it at the end. */
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

/** Node replaces bytes that are not UTF-8 by this character, so the file cannot be opened by this name. */
export function isBadName(name: string): boolean {
  return name.includes('\ufffd')
}

/** The same key for names that look alike: they differ only in case, blanks, width or invisible characters. */
export function lookalikeKey(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .toLowerCase()
}

/** The kind of a file by its name; undefined if its first bytes must decide. */
export function kindByName(name: string): Kind | undefined {
  if (isSystem(name)) return 'system'
  if (isBadName(name)) return 'badName'
  if (UNFINISHED.test(name)) return 'unfinished'
  if (CAMERA_RAW.test(name)) return 'unreadPicture'
  return undefined
}

/**
 * `cat.txt`, `cat.json` or `cat.jpg.json` beside `cat.jpg`: data sets from the web have such a file for every picture.
 */
export function isNoteOn(name: string, pictures: ReadonlySet<string>): boolean {
  return NOTES.test(name) && pictures.has(stem(name))
}

/** For `isNoteOn`: the name of each picture, with and without its ending. */
export function stemsOf(pictures: readonly string[]): Set<string> {
  return new Set(pictures.flatMap((name) => [name, stem(name)]))
}

function stem(name: string): string {
  return name.slice(0, name.lastIndexOf('.'))
}
