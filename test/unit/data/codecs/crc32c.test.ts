import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c, maskedCrc32c } from '../../../../src/data/codecs/crc32c.ts'

/** Computes the CRC by its definition, one bit at a time. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('the CRC of "123456789" equals the golden value, plain and masked', () => {
  const digits = Buffer.from('123456789')
  assert.equal(crc32c(digits).toString(16), 'e3069283')
  assert.equal(maskedCrc32c(digits).toString(16), 'c78ab0e5')
})

test('the fast CRC equals the CRC by definition for any bytes at any offset', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.integer({ min: 0, max: 9 }), (bytes, skip) => {
      const part = bytes.subarray(skip)
      assert.equal(crc32c(part), bitwise(part))
    }),
  )
})
