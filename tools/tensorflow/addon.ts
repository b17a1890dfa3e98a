/** The addon of @tensorflow/tfjs-node-gpu, compiled against the C library of a wheel. One addon serves CPUs and GPUs. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
  /** Gets the addon, which looks for the libraries there. */
  target: string
  signal?: AbortSignal | undefined
}

export async function compileAddon(inputs: AddonInputs): Promise<void> {
  const { wheel, packageFolder, nodeHeaders, target, signal } = inputs
  const includes = [nodeHeaders, join(wheel, 'include')].map((folder) => `-I${folder}`)
  const sources = SOURCES.map((name) => join(packageFolder, 'binding', name))
  const libraries = [`-L${wheel}`, ...LIBRARIES.map((name) => `-l:${name}`)]
  const words = [...COMPILER_FLAGS, ...includes, ...sources, ...libraries, '-o', join(target, ADDON)]
  await exec('g++', words, { signal })
}

/** Beside a Node from a release archive or an image; undefined: the machine's Node has none. */
export function headersOf(node: string): string | undefined {
  const folder = join(dirname(dirname(node)), 'include', 'node')
  return existsSync(join(folder, 'node_api.h')) ? folder : undefined
}

// `node tools/tensorflow/addon.ts WHEEL PACKAGE TARGET`, for the images.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , wheel = '', packageFolder = '', target = ''] = process.argv
  await compileAddon({ wheel, packageFolder, target, nodeHeaders: headersOf(process.execPath) ?? '' })
}
