/** Joins the members of a WebDataset shard into samples. */
import { printable } from '../../support/printable.ts'
import type { TarItem } from '../codecs/tar.ts'
import { type MemberName, parseMemberName, unsafeName } from './member-name.ts'

type Member = Extract<TarItem, { type: 'member' }>

export interface Sample {
  readonly type: 'sample'
  readonly key: string
  readonly picture: Member
  readonly cls?: Member
  readonly json?: Member
}

/** `member` is undefined where the rest of the file cannot be read. */
export interface Damage {
  readonly type: 'damage'
  readonly member?: string
  readonly reason: string
}

const PACK = 'pack the files of a sample one after the other: tar --sort=name'

export function isWantedMember(name: string): boolean {
  return parseMemberName(name) !== undefined || unsafeName(name) !== undefined
}

/** In the order of the file. The members of a sample must follow each other, because a shard is read only once. */
export async function* samplesOf(items: AsyncIterable<TarItem>): AsyncGenerator<Sample | Damage> {
  const ended = new Set<string>()
  let open: OpenSample | undefined
  for await (const item of items) {
    const name = item.name === undefined ? undefined : parseMemberName(item.name)
    if (open && name?.key !== open.key) {
      // What a truncated file lacks is not counted a second time.
      const isCutOff = item.name === undefined && !open.isComplete
      if (!isCutOff) yield open.result()
      ended.add(open.key)
      open = undefined
    }
    const unsafe = item.name === undefined ? undefined : unsafeName(item.name)
    if (unsafe !== undefined) yield damageOf(item, unsafe)
    else if (!name) yield damageOf(item, item.type === 'corrupt' ? item.reason : 'not part of a sample')
    else if (ended.has(name.key)) yield damageOf(item, `its sample ended before other samples; ${PACK}`)
    else {
      open ??= new OpenSample(name.key)
      open.add(name, item)
    }
  }
  if (open) yield open.result()
}

function damageOf({ name }: TarItem, reason: string): Damage {
  return { type: 'damage', ...(name === undefined ? {} : { member: name }), reason }
}

/** The sample whose members are being read. */
class OpenSample {
  readonly key: string
  readonly #members = new Map<MemberName['part'], Member>()
  #damage: Damage | undefined
  #last = ''

  constructor(key: string) {
    this.key = key
  }

  get isComplete(): boolean {
    return this.#members.has('picture') && (this.#members.has('cls') || this.#members.has('json'))
  }

  add({ part }: MemberName, item: TarItem): void {
    this.#last = item.name ?? this.#last
    const before = this.#members.get(part)
    if (item.type === 'corrupt') this.#damage ??= damageOf(item, item.reason)
    else if (before) this.#damage ??= damageOf(item, `the sample has ${printable(before.name)}, too`)
    else this.#members.set(part, item)
  }

  result(): Sample | Damage {
    const picture = this.#members.get('picture')
    if (this.#damage) return this.#damage
    if (!picture)
      return { type: 'damage', member: this.#last, reason: 'its sample has no picture (.jpg, .png, .webp, …)' }
    const [cls, json] = [this.#members.get('cls'), this.#members.get('json')]
    return { type: 'sample', key: this.key, picture, ...(cls ? { cls } : {}), ...(json ? { json } : {}) }
  }
}
