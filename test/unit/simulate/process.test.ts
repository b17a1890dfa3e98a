import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type Process, Simulation } from '../../../src/simulate/process.ts'
import { Resource } from '../../../src/simulate/resource.ts'

const forEver = () => false

suite('simulated time', () => {
  test('events happen in the order of their times, and those of one moment as they were scheduled', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (times) => {
        const simulation = new Simulation()
        const happened: [number, number][] = []
        times.forEach((seconds, i) => {
          simulation.start(
            (function* (): Process {
              yield seconds
              happened.push([simulation.nowSeconds, i])
            })(),
          )
        })
        simulation.run(forEver)
        const expected = times.map((seconds, i): [number, number] => [seconds, i])
        assert.deepEqual(
          happened,
          expected.sort(([a, i], [b, j]) => a - b || i - j),
        )
      }),
    )
  })

  test('processes side by side end with the last of them', () => {
    const simulation = new Simulation()
    const wait = function* (seconds: number): Process {
      yield seconds
    }
    simulation.start(simulation.all([wait(2), wait(5), wait(3)])).onFired(() => assert.equal(simulation.nowSeconds, 5))
    simulation.run(forEver)
    assert.equal(simulation.nowSeconds, 5)
  })

  test('a run stops as soon as its condition holds', () => {
    const simulation = new Simulation()
    let count = 0
    simulation.start(
      (function* (): Process {
        for (;;) {
          yield 1
          count++
        }
      })(),
    )
    simulation.run(() => count === 7)
    assert.equal(simulation.nowSeconds, 7)
  })
})

suite('a resource', () => {
  const request = fc.record({ atSeconds: fc.nat(50), seconds: fc.nat(9) })

  test('serves requests one at a time in the order of arrival, and idles only without any', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 60 }), (requests) => {
        const simulation = new Simulation()
        const resource = new Resource(simulation)
        const served: { startSeconds: number; endSeconds: number; atSeconds: number }[] = []
        for (const { atSeconds, seconds } of requests)
          simulation.start(
            (function* (): Process {
              yield atSeconds
              served.push({ atSeconds, ...resource.reserve(seconds) })
            })(),
          )
        simulation.run(forEver)
        let freeAt = 0
        for (const { atSeconds, startSeconds, endSeconds } of served) {
          assert.equal(startSeconds, Math.max(freeAt, atSeconds))
          freeAt = endSeconds
        }
      }),
    )
  })

  test('counts the work that it has done, not the work that waits', () => {
    const simulation = new Simulation()
    const resource = new Resource(simulation)
    resource.reserve(10)
    resource.reserve(10)
    simulation.start(
      (function* (): Process {
        yield 15
      })(),
    )
    simulation.run(forEver)
    assert.equal(resource.busySeconds, 15)
  })
})
