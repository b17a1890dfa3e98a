/**
 * Bounds the size and depth of a YAML text after expansion of its aliases. A few hundred bytes of aliases can expand to
 * billions of nodes, so this counts on the parser's events, before any code walks the objects.
 */
import { EVENT_ID, type Event } from 'js-yaml'
import { lineAt, placedError, startOf } from './yaml-places.ts'

/** For a whole text, before and after expansion of aliases: the size limit of an API server's request. */
export const MAX_YAML_BYTES = 3 * 2 ** 20
/** Keys, values, lists and maps, after expansion of aliases. */
export const MAX_NODES = 250_000
export const MAX_DEPTH = 100

export const TOO_LARGE = `more than ${MAX_YAML_BYTES / 2 ** 20} MiB after expansion of its aliases`
const TOO_MANY = `more than ${MAX_NODES} values after expansion of its aliases`
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`

interface Node {
  /** Characters, after expansion of aliases. */
  size: number
  nodes: number
  /** 0 for a scalar. */
  depth: number
  isOpen: boolean
}

/** For a document of which no event with a position has been read. */
const NO_POSITION = -1

/** @returns the position at which each document begins. @throws DownpourError YAML_TOO_LARGE, YAML_TOO_DEEP, YAML_CYCLIC */
export function checkBounds(text: string, events: readonly Event[]): number[] {
  const bounds = new Bounds(text)
  for (const event of events) bounds.read(event)
  return bounds.starts
}

/** Adds each finished node to the node that contains it, and fails as soon as a sum exceeds its bound. */
class Bounds {
  /** Where each document begins; NO_POSITION for an empty one. */
  readonly starts: number[] = []
  readonly #text: string
  /** The last node with each anchor's name. */
  readonly #anchors = new Map<string, Node>()
  /** From the document to the innermost list or map. */
  readonly #open: Node[] = []
  /** The sum of all documents that have ended. */
  readonly #finished = { size: 0, nodes: 0 }
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  read(event: Event): void {
    this.#locate(event)
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        return this.#beginDocument()
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING:
        this.#open.push(this.#anchored(event, { size: 2, nodes: 1, depth: 0, isOpen: true }))
        return
      case EVENT_ID.SCALAR: {
        const size = event.valueEnd - event.valueStart + 1
        return this.#addToParent(this.#anchored(event, { size, nodes: 1, depth: 0, isOpen: false }))
      }
      case EVENT_ID.ALIAS:
        return this.#addToParent(this.#targetOf(event))
      case EVENT_ID.POP:
        return this.#end()
    }
  }

  #locate(event: Event): void {
    this.#position = startOf(event) ?? this.#position
    if (event.type === EVENT_ID.DOCUMENT || this.starts.at(-1) !== NO_POSITION) return
    this.starts[this.starts.length - 1] = this.#position
  }

  #beginDocument(): void {
    this.#anchors.clear()
    this.#open.push({ size: 0, nodes: 0, depth: 0, isOpen: true })
    this.starts.push(NO_POSITION)
  }

  #anchored(event: Event, node: Node): Node {
    const anchor = anchorOf(this.#text, event)
    if (anchor !== undefined) this.#anchors.set(anchor, node)
    return node
  }

  #targetOf(alias: Event): Node {
    const name = anchorOf(this.#text, alias) ?? ''
    const target = this.#anchors.get(name)
    if (target?.isOpen) throw this.#error('YAML_CYCLIC', `the anchor "${name}" contains an alias of itself`)
    // The construction of objects refuses an alias without an anchor, and names it.
    return target ?? { size: 0, nodes: 1, depth: 0, isOpen: false }
  }

  #end(): void {
    const node = this.#open.pop()
    if (!node) return
    node.isOpen = false
    if (this.#open.length > 0) this.#addToParent(node)
    else add(this.#finished, node)
  }

  #addToParent(node: Node): void {
    const parent = this.#open.at(-1)
    if (!parent) return
    add(parent, node)
    parent.depth = Math.max(parent.depth, node.depth + 1)
    if (this.#finished.size + parent.size > MAX_YAML_BYTES) throw this.#error('YAML_TOO_LARGE', TOO_LARGE)
    if (this.#finished.nodes + parent.nodes > MAX_NODES) throw this.#error('YAML_TOO_LARGE', TOO_MANY)
    // The document itself is the outermost open node.
    if (this.#open.length - 1 + node.depth > MAX_DEPTH) throw this.#error('YAML_TOO_DEEP', TOO_DEEP)
  }

  #error(code: string, message: string) {
    return placedError(code, message, this.starts.length, lineAt(this.#text, this.#position))
  }
}

function add(sum: Pick<Node, 'size' | 'nodes'>, { size, nodes }: Node): void {
  sum.size += size
  sum.nodes += nodes
}

function anchorOf(text: string, event: Event): string | undefined {
  return 'anchorStart' in event && event.anchorStart >= 0 ? text.slice(event.anchorStart, event.anchorEnd) : undefined
}
