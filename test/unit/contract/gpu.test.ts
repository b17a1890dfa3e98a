import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodeOf } from '../../../src/contract/exit-codes.ts'
import { gpusOf, isGpu, mustUseGpu, mustUseOneGpu } from '../../../src/contract/gpu.ts'
import { exitClass } from '../../../src/contract/runtime.ts'

test('GPUs are told from other devices by the name of their resource', () => {
  const gpus = [
    'nvidia.com/gpu',
    'nvidia.com/gpu.shared',
    'nvidia.com/mig-1g.10gb',
    'amd.com/gpu',
    'gpu.intel.com/i915',
  ]
  const others = ['rdma/hca', 'google.com/tpu', 'cpu', 'memory', 'ephemeral-storage', 'example.com/gpuless']
  assert.deepEqual([...gpus, ...others].filter(isGpu), gpus)
})

test('a pod that requests a GPU and computes on the CPU ends with the reason, and is tried again', () => {
  const refused = (name: string) => () => mustUseGpu('nvidia.com/gpu', { name, usesGpu: false })
  assert.throws(refused('tensorflow'), { code: 'GPU_UNAVAILABLE', message: /requests nvidia\.com\/gpu.*driver/ })
  assert.throws(refused('wasm'), { code: 'GPU_UNAVAILABLE', message: /wasm computes on the CPU.*spec\.runtime\.image/ })
  assert.equal(exitClass(exitCodeOf('GPU_UNAVAILABLE')), 'retryable')
  assert.doesNotThrow(() => mustUseGpu('nvidia.com/gpu', { name: 'tensorflow', usesGpu: true }))
  assert.doesNotThrow(() => mustUseGpu(undefined, { name: 'wasm', usesGpu: false }))
})

test('GPUs and parts of them are counted, and no other resource', () => {
  const limits = { 'nvidia.com/gpu': 2, 'amd.com/gpu': 1, 'nvidia.com/gpu.shared': 4, 'nvidia.com/mig-1g.10gb': 3 }
  const others = { cpu: 8, memory: 9, 'rdma/hca': 1, 'gpu.intel.com/memory': 16, 'example.com/gpu-memory': 24 }
  assert.equal(gpusOf({ ...limits, ...others }, Number), 10)
  assert.equal(gpusOf({}, Number), 0)
})

test('one of several processes computes on a GPU of its own with TensorFlow alone', () => {
  assert.throws(() => mustUseOneGpu('nvidia.com/gpu', 'webgpu'), { code: 'GPU_UNAVAILABLE', message: /webgpu cannot/ })
  assert.doesNotThrow(() => mustUseOneGpu('nvidia.com/gpu', 'tensorflow'))
  assert.doesNotThrow(() => mustUseOneGpu(undefined, 'webgpu'))
})
