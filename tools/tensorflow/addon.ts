/**
 * The addons that are compiled against the C library of a wheel: that of @tensorflow/tfjs-node-gpu, and the one that runs
 * recorded graphs. They serve CPUs and GPUs.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GRAPH_ADDON } from '../../src/tensor/graph/session.ts'
import { ADDON, LIBRARIES } from '../../src/tensor/tensorflow.ts'
import { exec } from '../cluster/exec.ts'

const SOURCES = ['tfjs_backend.cc', 'tfjs_binding.cc']
/** Node-API is stable: an addon that is compiled once works in every Node that has this version of it. */
const DEFINITIONS = ['-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION', '-DNODE_GYP_MODULE_NAME=tfjs_binding']
export const COMPILER_FLAGS = ['-std=c++17', '-O2', '-fPIC', '-shared', ...DEFINITIONS, '-Wl,-rpath,$ORIGIN']

export interface AddonInputs {
  /** Holds `include` and the libraries: `tensorflow` of an unpacked wheel. */
  wheel: string
  /** The package's own folder. */
  packageFolder: string
  /** Holds `node_api.h`. */
  nodeHeaders: string
  /** graph.cc of src/tensor/graph. */
  graphSource: string
  /** Gets the addons, which look for the libraries there. */
  target: string
  signal?: AbortSignal | undefined
}

export async function compileAddons(inputs: AddonInputs): Promise<void> {
  const sources = SOURCES.map((name) => join(inputs.packageFolder, 'binding', name))
  await compile(ADDON, sources, [], inputs)
  // Its loop over gradients needs the vectors of -O3.
  await compile(GRAPH_ADDON, [inputs.graphSource], ['-O3'], inputs)
}

async function compile(
  name: string,
  sources: readonly string[],
  flags: readonly string[],
  { wheel, nodeHeaders, target, signal }: AddonInputs,
): Promise<void> {
  const includes = [nodeHeaders, join(wheel, 'include')].map((folder) => `-I${folder}`)
  const libraries = [`-L${wheel}`, ...LIBRARIES.map((name) => `-l:${name}`)]
  const words = [...COMPILER_FLAGS, ...flags, ...includes, ...sources, ...libraries, '-o', join(target, name)]
  await exec('g++', words, { signal })
}

/** Beside a Node from a release archive or an image; undefined: the machine's Node has none. */
export function headersOf(node: string): string | undefined {
  const folder = join(dirname(dirname(node)), 'include', 'node')
  return existsSync(join(folder, 'node_api.h')) ? folder : undefined
}

// `node tools/tensorflow/addon.ts WHEEL PACKAGE TARGET GRAPH_SOURCE`, for the images.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , wheel = '', packageFolder = '', target = '', graphSource = ''] = process.argv
  await compileAddons({ wheel, packageFolder, target, graphSource, nodeHeaders: headersOf(process.execPath) ?? '' })
}
