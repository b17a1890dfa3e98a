import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gpuText, visibleGpus } from '../../../tools/tensorflow/gpu.ts'

test('the GPUs of a machine are the numbered devices of its driver', (t) => {
  const devices = mkdtempSync(join(tmpdir(), 'downpour-devices-'))
  t.after(() => rmSync(devices, { recursive: true }))
  assert.deepEqual(visibleGpus(devices), [])
  for (const name of ['nvidia0', 'nvidia11', 'nvidiactl', 'nvidia-uvm', 'null']) writeFileSync(join(devices, name), '')
  assert.deepEqual(visibleGpus(devices).sort(), ['nvidia0', 'nvidia11'])
})

test('the set-up says whether TensorFlow computes on a GPU, and what to look at where it does not', () => {
  assert.match(gpuText([], false), /^no GPU is visible here .*computes on the CPU/)
  assert.match(gpuText(['nvidia0'], true), /^TensorFlow computes on the GPU here \(nvidia0\)$/)
  assert.match(gpuText(['nvidia0'], false), /^there is a GPU \(nvidia0\), but .* on the CPU: its driver .*`nvidia-smi`/)
})
