/** Names in a WebDataset shard: members with one name up to the first dot are one sample (paper.md §5). */
import { isBadName, isPictureName } from '../scan/names.ts'

export type MemberPart = 'picture' | 'cls' | 'json'

export interface MemberName {
  /** Folder and name up to the first dot: the same for all members of a sample. */
  readonly key: string
  readonly part: MemberPart
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: such names are refused
const CONTROLS = /[\u0000-\u001f\u007f]/
/** Members that the WebDataset library keeps for itself, such as `__url__`. */
const RESERVED = /(^|\/)__[^/]*__($|\/)/

/** @returns undefined for a member that is not part of a sample of pictures and classes */
export function parseMemberName(name: string): MemberName | undefined {
  const start = name.lastIndexOf('/') + 1
  const dot = name.indexOf('.', start)
  if (dot <= start || RESERVED.test(name)) return undefined
  const part = partOf(name.slice(dot).toLowerCase())
  return part && { key: name.slice(0, dot), part }
}

function partOf(ending: string): MemberPart | undefined {
  if (ending === '.cls') return 'cls'
  if (ending === '.json') return 'json'
  // Of `000.left.jpg`, `.left.jpg` is the ending: another picture that belongs to the sample.
  return ending.lastIndexOf('.') === 0 && isPictureName(ending) ? 'picture' : undefined
}

/** Why a name could do harm where the shard is unpacked, or cannot be shown; undefined for a name that is safe. */
export function unsafeName(name: string): string | undefined {
  if (name.startsWith('/')) return 'its name is an absolute path'
  if (name.split('/').includes('..')) return 'its name leads out of the folder'
  if (CONTROLS.test(name)) return 'its name has control characters'
  return isBadName(name) ? 'its name is not UTF-8' : undefined
}
