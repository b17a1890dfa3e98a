/** Delay-compensated SGD: estimates the gradient at the present weights from a gradient of older weights (paper.md §3.2). */
import { elementKernel } from '../kernel.ts'
import type { PolicyKind } from './policy.ts'

/** `scratch`: the weights that the gradient was computed on. */
export const COMPENSATE = elementKernel({
  name: 'compensate',
  arrays: ['g', 'w', 'scratch'],
  scalars: ['lambda'],
  formula: 'g = g + lambda * (g * g) * (w - scratch)',
})

export const dcAsgd: PolicyKind<'dcAsgd'> = {
  needsScratch: true,
  kernels: [COMPENSATE],
  create({ delayCompensation }, shard) {
    /** By worker: the weights that it pulled last. */
    const pulled = new Map<number, Float32Array>()
    return {
      onPull(worker) {
        const copy = pulled.get(worker) ?? new Float32Array(shard.trainableWeights.length)
        copy.set(shard.trainableWeights)
        pulled.set(worker, copy)
      },
      forget: (worker) => void pulled.delete(worker),
      beforeUpdate({ worker }) {
        const old = pulled.get(worker)
        if (!old) return 1
        shard.scratch.set(old)
        shard.runOnGradient(COMPENSATE, { lambda: delayCompensation })
        return 1
      },
    }
  },
}
