import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { completeCosts, MachineDescription } from '../../../src/simulate/machine.ts'
import { COSTS } from './costs.ts'

suite('a machine description', () => {
  test('that says nothing leaves every default', () => {
    assert.deepEqual(completeCosts({}, COSTS), COSTS)
  })

  test('replaces single costs, also those of one optimizer', () => {
    const given = MachineDescription.parse({
      network: { latencySeconds: 0.5 },
      server: { applySecondsPerGigabyte: { adam: 9 } },
    })
    const { network, server, disk } = completeCosts(given, COSTS)
    assert.deepEqual(network, { ...COSTS.network, latencySeconds: 0.5 })
    assert.deepEqual(server.applySecondsPerGigabyte, { rmsprop: 4, momentum: 2, adam: 9 })
    assert.deepEqual(disk, COSTS.disk)
  })

  for (const [what, raw] of Object.entries({
    'an unknown field': { network: { bandwidth: 1 } },
    'a bandwidth of zero': { network: { bytesPerSecond: 0 } },
    'a negative time': { server: { secondsPerRequest: -1 } },
    'two measures of the same step': { compute: { secondsPerStep: 1, imagesPerSecond: 1 } },
    'a text for a number': { disk: { bytesPerSecond: 'fast' } },
  }))
    test(`with ${what} is refused`, () => {
      assert.equal(MachineDescription.safeParse(raw).success, false)
    })
})
