/** Typed access to graph.cc, the addon that runs a graph on a thread of its own. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Log } from '../../support/log.ts'
import { encodeGraph, type GraphNode, sessionConfig } from './graph-def.ts'

export const GRAPH_ADDON = 'downpour_graph.node'

export type Array = Float32Array | Int32Array | Uint8Array

export interface Feed {
  readonly values: Array
  readonly shape: readonly number[]
}

export interface Session {
  /**
   * Feeds and outputs in the order of `openSession`. The caller must not change the arrays before the run ends, and may
   * run once at a time.
   * @returns of each output, whether every value and its square are finite
   */
  run(feeds: readonly Feed[], outputs: readonly Array[]): Promise<readonly boolean[]>
  close(): void
}

export interface GraphAddon {
  open(graph: Uint8Array, config: Uint8Array, feeds: readonly string[], fetches: readonly string[]): object
  run(
    graph: object,
    feeds: readonly Array[],
    shapes: readonly (readonly number[])[],
    outputs: readonly Array[],
  ): Promise<boolean[]>
  close(graph: object): void
}

const require = createRequire(import.meta.url)

let loaded: GraphAddon | undefined

/** @param folder that TensorFlow was loaded from */
export function loadGraphAddon(folder: string): void {
  const file = join(folder, GRAPH_ADDON)
  loaded = existsSync(file) ? (require(file) as GraphAddon) : undefined
}

/** Undefined if TensorFlow was set up by a version without it. */
export function graphAddon(log: Log): GraphAddon | undefined {
  if (!loaded)
    log.info({}, 'TensorFlow was set up without graphs: `npm run setup:tensorflow` adds them, and steps run faster')
  return loaded
}

const open = new Set<Session>()

/** Waits for runs in progress: TensorFlow frees what they use when the process exits, which `process.exit` does at once. */
function closeAll(): void {
  for (const session of open) session.close()
}

/** @param feeds names of placeholders; `fetches`: names of operations whose first output is read */
export function openSession(
  addon: GraphAddon,
  nodes: readonly GraphNode[],
  feeds: readonly string[],
  fetches: readonly string[],
): Session {
  const graph = addon.open(encodeGraph(nodes), sessionConfig(), feeds, fetches)
  const session: Session = {
    run: (inputs, outputs) =>
      addon.run(
        graph,
        inputs.map(({ values }) => values),
        inputs.map(({ shape }) => shape),
        outputs,
      ),
    close() {
      open.delete(session)
      addon.close(graph)
    },
  }
  if (open.size === 0) process.removeListener('exit', closeAll).once('exit', closeAll)
  open.add(session)
  return session
}
