import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentOf } from '../../../../src/worker/processes/environment.ts'

const SHARE = { process: 1, processes: 4, hasGpu: false, cpus: 10 }

test('processes share the threads and decoders of their pod', () => {
  const given = { TF_NUM_INTRAOP_THREADS: '8', TF_NUM_INTEROP_THREADS: '2', DOWNPOUR_DECODERS: '6', OTHER: 'x' }
  const shared = { TF_NUM_INTRAOP_THREADS: '2', TF_NUM_INTEROP_THREADS: '1', DOWNPOUR_DECODERS: '1', OTHER: 'x' }
  assert.deepEqual(environmentOf(given, SHARE), shared)
})

test('processes share the processors where nothing limits the threads', () => {
  const shared = { TF_NUM_INTRAOP_THREADS: '2', TF_NUM_INTEROP_THREADS: '2', DOWNPOUR_DECODERS: '5' }
  assert.deepEqual(environmentOf({}, SHARE), shared)
})

const visibleTo = (given: Record<string, string>) =>
  environmentOf(given, { ...SHARE, hasGpu: true }).CUDA_VISIBLE_DEVICES

test('each process sees one GPU of its pod', () => {
  assert.equal(visibleTo({}), '1')
  assert.equal(visibleTo({ CUDA_VISIBLE_DEVICES: '4,5,6,7' }), '5', 'of those that the pod may use')
})

test('parts of a GPU are chosen by the names that the device plugin gives', () => {
  assert.equal(visibleTo({ NVIDIA_VISIBLE_DEVICES: 'MIG-a,MIG-b,MIG-c,MIG-d' }), 'MIG-b')
  assert.equal(visibleTo({ NVIDIA_VISIBLE_DEVICES: 'all' }), '1')
  assert.equal(visibleTo({ NVIDIA_VISIBLE_DEVICES: '0,1,2,3' }), '1')
  assert.equal(visibleTo({ NVIDIA_VISIBLE_DEVICES: 'GPU-a,GPU-b' }), '1', 'other GPUs than those of the processes')
})

test('a pod without GPUs hides none', () => {
  assert.ok(!('CUDA_VISIBLE_DEVICES' in environmentOf({}, SHARE)))
})
