import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ForecastOptions, forecast, type LimitName, mainLimit } from '../../../src/simulate/forecast.ts'
import type { Scenario } from '../../../src/simulate/scenario.ts'
import { near, scenario } from './scenarios.ts'

const MB = 1e6

function options(
  of: (workers: number, servers: number) => Scenario,
  more: Partial<ForecastOptions> = {},
): ForecastOptions {
  return {
    scenarioOf: ({ workers, parameterServers }) => of(workers, parameterServers),
    size: { workers: 10, parameterServers: 2 },
    checkpointEvery: {},
    maxSteps: 1000,
    warmStartSteps: 0,
    ...more,
  }
}

const servers = (count: number, one: NonNullable<Parameters<typeof scenario>[0]>['servers'] = [{}]) =>
  Array.from({ length: count }, () => one[0] ?? {})
const checkpoint = { bytes: 1000 * MB, copySeconds: 0, hashSecondsPerByte: 0 }

const LIMITED: Readonly<Record<Exclude<LimitName, 'disk'>, (workers: number, servers: number) => Scenario>> = {
  compute: (workers, count) => scenario({ workers, servers: servers(count) }),
  input: (workers, count) => scenario({ workers, servers: servers(count), worker: { inputSeconds: 3 } }),
  serverThread: (workers, count) => scenario({ workers, servers: servers(count, [{ receiveSeconds: 1 / count }]) }),
  workerThread: (workers, count) =>
    scenario({ workers, servers: servers(count, [{ pushBytes: MB }]), worker: { sendSecondsPerByte: 3 / MB } }),
  network: (workers, count) =>
    scenario({
      workers,
      servers: servers(count, [{ pullBytes: MB / count }]),
      network: { bytesPerSecond: 2 * MB, latencySeconds: 0 },
    }),
}

suite('a forecast', () => {
  for (const [name, limited] of Object.entries(LIMITED))
    test(`says that ${name} limits, and that it works most of the time`, () => {
      const limit = mainLimit(forecast(options(limited)))
      assert.equal(limit.name, name)
      assert.ok(limit.busy > 0.7, `busy ${limit.busy}`)
      assert.ok(limit.gainIfTwiceAsFast > 0.5, `gain ${limit.gainIfTwiceAsFast}`)
    })

  test('says what one more worker and one more server give', () => {
    const compute = forecast(options(LIMITED.compute)).oneMore
    near(compute.worker, 0.1, 0.1)
    near(compute.parameterServer + 1, 1, 0.01)
    const server = forecast(options(LIMITED.serverThread)).oneMore
    near(server.worker + 1, 1, 0.1)
    assert.ok(
      server.parameterServer > 0.3 && server.parameterServer < 0.6,
      `${server.parameterServer} of half as many more`,
    )
  })

  test('counts the training that checkpoints cost, and leaves out those that the disk is too slow for', () => {
    const copy = { ...checkpoint, copySeconds: 1 }
    const full = (workers: number, count: number) =>
      scenario({
        workers,
        servers: servers(count, [{ receiveSeconds: 1, checkpoint: copy }]),
        diskBytesPerSecond: 100 * MB,
      })
    const without = forecast(options(full))
    const rare = forecast(options(full, { checkpointEvery: { seconds: 100 } }))
    near(rare.stepsPerSecond / without.stepsPerSecond, 0.99, 0.02)
    const busy = forecast(options(full, { checkpointEvery: { steps: 1 } }))
    assert.equal(busy.checkpoint.everySeconds, busy.checkpoint.seconds)
    assert.ok(busy.checkpoint.seconds >= 20, `two servers share the disk: ${busy.checkpoint.seconds}`)
    near(busy.limits.find(({ name }) => name === 'disk')?.busy ?? 0, 1)
  })

  test('without checkpoints has none', () => {
    const { checkpoint: none } = forecast(options(LIMITED.compute))
    assert.deepEqual(none, { seconds: 0, lostSeconds: 0, everySeconds: Number.POSITIVE_INFINITY })
  })

  test('says when the last step will be done, with one worker alone until the warm start is over', () => {
    near(forecast(options(LIMITED.compute)).secondsToEnd, 100, 0.01)
    near(forecast(options(LIMITED.compute, { warmStartSteps: 100 })).secondsToEnd, 100 + 90, 0.01)
  })

  test('says the bytes of the busiest server in both directions', () => {
    const of = (workers: number) =>
      scenario({ workers, servers: [{ pullBytes: MB, pushBytes: 2 * MB }, { pullBytes: 1 }] })
    near(forecast(options(of)).serverBytesPerSecond, 30 * MB, 0.1)
  })
})
