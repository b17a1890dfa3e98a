import assert from 'node:assert/strict'
import { isIPv4 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { ADDRESSES, addressAt } from '../../../../src/local/kubelet/addresses.ts'

test('100,000 pods have 100,000 distinct addresses, whatever the first one is', () => {
  fc.assert(
    fc.property(fc.nat(ADDRESSES), (start) => {
      const addresses = new Set(Array.from({ length: 100_000 }, (_, i) => addressAt(start + i)))
      assert.equal(addresses.size, 100_000)
    }),
    { numRuns: 3 },
  )
})

test('each address is a host address of 127.64.0.0/10', () => {
  fc.assert(
    fc.property(fc.nat(3 * ADDRESSES), (n) => {
      const address = addressAt(n)
      const [first, second = 0, , last = 0] = address.split('.').map(Number)
      assert.ok(isIPv4(address) && first === 127 && second >= 64 && second < 128, address)
      assert.ok(last >= 1 && last <= 254, address)
    }),
  )
})
