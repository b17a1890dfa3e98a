import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { exitCodeOf } from '../../../../src/contract/exit-codes.ts'
import { EXIT } from '../../../../src/contract/runtime.ts'
import { wholeLayout } from '../../../../src/wire/layout.ts'
import { SharedArrays } from '../../../../src/worker/processes/shared-arrays.ts'
import { CANNOT_MOUNT, mountSmallDisk } from '../../../support/small-disk.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { variable } from '../../ps/fixtures.ts'

const folder = temporaryFolder()

/** @param lengths of a trainable variable, a statistic and a frozen variable */
function make(processes: number, [w, mean, fixed]: readonly [number, number, number]): SharedArrays {
  const statistic = variable('mean', mean, { kind: 'statistic' })
  const variables = [variable('fixed', fixed, { kind: 'frozen' }), statistic, variable('w', w)]
  return SharedArrays.create(folder, wholeLayout({ variables }), processes)
}

const zeros = (lengths: Readonly<Record<string, number>>) =>
  new Map(Object.entries(lengths).map(([name, length]) => [name, new Float32Array(length)]))

test('the parts of all processes are the sum of the gradients in float32, one after another', () => {
  const seed = Date.now() % 2 ** 31
  const lengths = fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 9 }), fc.constant(3))
  const processes = fc.integer({ min: 2, max: 5 })
  fc.assert(
    fc.property(lengths, processes, fc.infiniteStream(fc.boolean()), fc.integer(), (sizes, count, isAdded, from) => {
      const shared = make(count, sizes)
      const [w, mean] = sizes
      const gradients = Array.from({ length: count }, (_, p) => [values(w, from + p), values(mean, from - p)] as const)
      for (const [p, [ofW, ofMean]] of gradients.entries())
        shared.writeGradient(p, new Map([...[['w', ofW] as const, ['mean', ofMean] as const]]))
      const of = gradients.flatMap((_, p) => (p === 0 || isAdded.next().value ? [p] : []))
      for (const p of gradients.keys()) shared.addPart(p, of)
      const sum = zeros({ w, mean })
      shared.readGradient(0, sum)
      for (const [k, name] of ['w', 'mean'].entries())
        assert.deepEqual(sum.get(name), plainSum(of.map((p) => gradients[p]?.[k] as Float32Array)))
      shared.close()
    }),
    { seed, numRuns: 25 },
  )
})

/** Of very different sizes, so that every order of adding gives another sum. */
function values(length: number, from: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(from + 7 * i) * 10 ** ((i + (from & 7)) % 9))
}

function plainSum([first, ...others]: readonly Float32Array[]): Float32Array {
  return (first as Float32Array).map((value, i) =>
    others.reduce((sum, other) => Math.fround(sum + (other[i] as number)), value),
  )
}

test('weights are read as they were written, beside the gradients', () => {
  const shared = make(2, [5, 2, 3])
  const lengths = { w: 5, mean: 2, fixed: 3 }
  const weights = new Map(Object.entries(lengths).map(([name, length]) => [name, values(length, length)]))
  shared.writeWeights(weights)
  for (const p of [0, 1]) shared.writeGradient(p, zeros({ w: 5, mean: 2 }))
  const read = zeros(lengths)
  shared.readWeights(read)
  assert.deepEqual(read, weights)
  shared.close()
})

test('no folder has the file', () => {
  const shared = make(2, [5, 2, 3])
  assert.deepEqual(readdirSync(folder), [])
  shared.close()
})

test('too little memory is an error before training, which is retried', { skip: CANNOT_MOUNT }, () => {
  const disk = mountSmallDisk(join(folder, 'memory'), '1m')
  after(() => disk.unmount())
  const whole = wholeLayout({ variables: [variable('w', 2 ** 17)] })
  const message = /memory has no room for 2 MiB, the weights and the gradients of 3 processes/
  assert.throws(() => SharedArrays.create(disk.folder, whole, 3), { code: 'SHARED_MEMORY_FULL', message })
  assert.equal(exitCodeOf('SHARED_MEMORY_FULL'), EXIT.storage)
})
