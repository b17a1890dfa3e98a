import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { areComplete, StoredNames, slotTensorName, tensorOf } from '../../../src/checkpoint/stored-names.ts'
import { variable } from '../ps/fixtures.ts'

const names = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.constantFrom('w', 'w[0:1]', 'optimizer.rms:w', 'optimizer.rms:w[0:2]', 'a/b\nc', '[1:2]'),
)

test('the name of a tensor tells variable, slot and range', () => {
  fc.assert(
    fc.property(names, fc.nat(9), fc.integer({ min: 1, max: 10 }), fc.boolean(), (name, start, length, isSlot) => {
      const whole = variable(name, 20)
      const { name: tensorName } = tensorOf({ ...whole, start, length })
      const found = new StoredNames([whole]).find(isSlot ? slotTensorName('rms', tensorName) : tensorName)
      assert.deepEqual(found, { variable: whole, start, length, isWhole: false, slot: isSlot ? 'rms' : undefined })
    }),
  )
})

test('a whole variable has its own name, also one like that of a slot or a part', () => {
  for (const name of ['w', 'optimizer.rms:w', 'w[0:1]']) {
    const all = [variable('w', 4), variable(name, 4)]
    assert.deepEqual(tensorOf({ name, shape: [2, 2], start: 0, length: 4 }), { name, shape: [2, 2] })
    assert.equal(new StoredNames(all).find(name)?.variable.name, name)
  }
  assert.equal(new StoredNames([variable('w', 4)]).find('v'), undefined)
  assert.equal(new StoredNames([variable('w', 4)]).find('w[01:2]'), undefined)
})

test('ranges are complete if they cover each element once, in any order', () => {
  const range = (start: number, length: number) => ({ start, length })
  assert.ok(areComplete([range(3, 2), range(0, 3)], 5))
  assert.ok(areComplete([range(0, 0)], 0))
  for (const ranges of [[], [range(0, 3)], [range(0, 3), range(4, 1)], [range(0, 4), range(3, 1)], [range(1, 4)]])
    assert.ok(!areComplete(ranges, 5))
})
