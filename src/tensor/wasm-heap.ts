/**
 * Own kernels on the memory of the WASM backend of tfjs: they read and write its tensors in place.
 * `tools/tensor-kernels` generates wasm-kernels.wasm, which imports that memory.
 */
import { readFileSync } from 'node:fs'
import type { TensorInfo } from '@tensorflow/tfjs'
import { type KernelBackend, type Tensor, tf } from './tf.ts'

/** What a kernel needs of a tensor. Each place that takes one knows the shape. */
export type Operand = Pick<TensorInfo, 'dataId'>

/** The parts of tfjs-backend-wasm that are used here. */
interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory }
    _malloc(bytes: number): number
    _free(address: number): void
  }
  getMemoryOffset(dataId: object): number
  makeOutput(shape: readonly number[], dtype: 'float32'): TensorInfo
}

/** Parameters are addresses in bytes, then counts of elements, as in `tools/tensor-kernels`. */
type Kernel = (...addressesAndCounts: number[]) => void
type Kernels = Readonly<Record<KernelName, Kernel>>
type KernelName =
  | 'pack'
  | 'multiply'
  | 'outer'
  | 'moments'
  | 'normalise'
  | 'gradientSums'
  | 'normaliseGradient'
  | 'addRelu'
  | 'reluGradient'
  | 'maxPoolGradient'

const instances = new WeakMap<WebAssembly.Memory, Kernels>()

/** The kernels on the memory of the current backend, which must be WASM. */
export function kernels(): Kernels {
  const { memory } = backend().wasm.asm
  const loaded = instances.get(memory) ?? instantiate(memory)
  instances.set(memory, loaded)
  return loaded
}

function instantiate(memory: WebAssembly.Memory): Kernels {
  const module = new WebAssembly.Module(readFileSync(new URL('wasm-kernels.wasm', import.meta.url)))
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels
}

function backend(): WasmBackend {
  return tf.backend() as WasmBackend
}

export function addressOf({ dataId }: Operand): number {
  return backend().getMemoryOffset(dataId)
}

/** The view is valid until the next allocation, which may replace the buffer of the memory. */
export function floatsAt(address: number, length: number): Float32Array {
  return new Float32Array(backend().wasm.asm.memory.buffer, address, length)
}

export function integersAt(address: number, length: number): Int32Array {
  return new Int32Array(backend().wasm.asm.memory.buffer, address, length)
}

/** The output of a kernel. Its values are undefined until they are written. */
export function allocate(shape: readonly number[]): TensorInfo {
  return backend().makeOutput([...shape], 'float32')
}

export function allocateZeros(shape: readonly number[]): TensorInfo {
  const info = allocate(shape)
  floatsAt(addressOf(info), tf.util.sizeFromShape(info.shape)).fill(0)
  return info
}

/** Hands an output to tfjs, which frees it with the tensor. */
export function asTensor<T extends Tensor>(info: TensorInfo): T {
  return tf.engine().makeTensorFromTensorInfo(info, backend()) as T
}

/** Lends memory to `use`. @throws RangeError when the 4 GiB of the backend are used up */
export function withScratch<T>(bytes: number, use: (address: number) => T): T {
  const { wasm } = backend()
  const address = wasm._malloc(bytes) >>> 0
  if (address === 0) throw new RangeError(`the WASM backend has no ${bytes} bytes left: use a smaller batch`)
  try {
    return use(address)
  } finally {
    wasm._free(address)
  }
}
