/** Everything in a data folder that is not read, by kind. docs/formats describes the same rules. */

import { printable } from '../../support/printable.ts'

export interface KindRule {
  /** As a message continues after a count. */
  what: string
  /** Whether it may be data that the user expects to be read: `data inspect` then does not exit with 0. */
  matters: boolean
}

export const KINDS = {
  system: { what: 'files of a system or a tool', matters: false },
  other: { what: 'other files', matters: false },
  folder: { what: 'folders without pictures', matters: false },
  notChosen: { what: 'shards that "files" does not choose', matters: false },
  unfinished: { what: 'unfinished downloads or copies', matters: true },
  archive: { what: 'archives, not unpacked', matters: true },
  unreadPicture: { what: 'pictures of an unsupported type', matters: true },
  strayPicture: { what: 'pictures outside of a class folder', matters: true },
  unreadShard: { what: 'numbered files of another format', matters: true },
  special: { what: 'pipes, sockets or devices', matters: true },
  badLink: { what: 'broken or circular links', matters: true },
  badName: { what: 'names that are not UTF-8', matters: true },
  emptyClass: { what: 'class folders without a picture', matters: true },
  missingShard: { what: 'shards missing between others of the series', matters: true },
  emptyShard: { what: 'shards without a record', matters: true },
  lookalike: {
    what: 'class folders that differ from another only in case, blanks or invisible characters',
    matters: true,
  },
} as const satisfies Record<string, KindRule>
export type Kind = keyof typeof KINDS

export interface PassedOver extends KindRule {
  kind: Kind
  count: number
  /** The first one in the order of names, relative to the folder. */
  example: string
}

/** Counts what is not read, by kind. */
export class Tally {
  readonly #counts = new Map<Kind, { count: number; example: string }>()

  constructor(before: readonly PassedOver[] = []) {
    for (const { kind, count, example } of before) this.#counts.set(kind, { count, example })
  }

  add(kind: Kind, path: string): void {
    const before = this.#counts.get(kind)
    this.#counts.set(kind, { count: (before?.count ?? 0) + 1, example: earlier(before?.example, path) })
  }

  list(): PassedOver[] {
    const kinds = Object.keys(KINDS) as Kind[]
    return kinds.flatMap((kind) => {
      const counted = this.#counts.get(kind)
      return counted ? [{ kind, ...KINDS[kind], ...counted }] : []
    })
  }
}

/** `2 archives, not unpacked, e.g. a.tar` */
export function passedOverText({ count, what, example }: PassedOver): string {
  return `${count} ${what}, e.g. ${printable(example)}`
}

function earlier(before: string | undefined, path: string): string {
  return before === undefined || path < before ? path : before
}
