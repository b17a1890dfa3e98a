/** A pod that requests a GPU must compute on one: TensorFlow goes on with the CPU, without an error, where it finds none. */
import { DownpourError } from '../support/errors.ts'

/** @example isGpu('nvidia.com/gpu') && isGpu('nvidia.com/mig-1g.10gb') && !isGpu('rdma/hca') */
export function isGpu(resource: string): boolean {
  return /^([^/]*\/gpu\b|nvidia\.com\/mig-|gpu\.intel\.com\/)/.test(resource)
}

/** Resources whose quantity is a number of GPUs, or of parts of one. */
export const GPU_NAMES = { ends: ['/gpu', '/gpu.shared'], partsBegin: 'nvidia.com/mig-' } as const

/** @example gpusOf({ cpu: '8', 'nvidia.com/gpu': '2' }, Number) === 2 */
export function gpusOf<T>(limits: Readonly<Record<string, T>>, numberOf: (quantity: T) => number): number {
  const { ends, partsBegin } = GPU_NAMES
  const isCounted = (name: string) => name.startsWith(partsBegin) || ends.some((end) => name.endsWith(end))
  return Object.entries(limits).reduce((sum, [name, value]) => sum + (isCounted(name) ? numberOf(value) : 0), 0)
}

/**
 * @param requested name of the resource that the pod requests; undefined: none
 * @throws DownpourError GPU_UNAVAILABLE, which is retried, because another node may have a driver that works
 */
export function mustUseGpu(requested: string | undefined, backend: { name: string; usesGpu: boolean }): void {
  if (requested === undefined || backend.usesGpu) return
  const advice =
    backend.name === 'tensorflow'
      ? 'spec.runtime.image must be one with CUDA (…-tensorflow-gpu; in local mode `npm run setup:tensorflow -- --gpu`), and the driver of the node must suit it'
      : 'only the backends tensorflow and webgpu use GPUs: set spec.runtime.image to one with CUDA (…-tensorflow-gpu)'
  const message = `the pod requests ${requested}, but ${backend.name} computes on the CPU: ${advice}, or request no GPU`
  throw new DownpourError('GPU_UNAVAILABLE', message, { requested, backend: backend.name })
}

/**
 * A process of several in a pod, each of which must have a GPU of its own: CUDA_VISIBLE_DEVICES assigns it, and only
 * TensorFlow follows that.
 * @throws DownpourError GPU_UNAVAILABLE
 */
export function mustUseOneGpu(requested: string | undefined, backend: string): void {
  if (requested === undefined || backend === 'tensorflow') return
  const message = `with workers.perPod each process needs a ${requested} of its own, and ${backend} cannot choose one: set spec.runtime.backend to tensorflow, or perPod to 1`
  throw new DownpourError('GPU_UNAVAILABLE', message, { requested, backend })
}
