/** A process that computes for a worker by a script, its last argument, instead of a model and data. */
import type { LeaseSource } from '../../../../src/input/batch.ts'
import type { LoaderStart } from '../../../../src/input/loader-messages.ts'
import { DownpourError, errorCode, errorMessage } from '../../../../src/support/errors.ts'
import { wholeLayout } from '../../../../src/wire/layout.ts'
import { SHARED_FD, type ToProcess } from '../../../../src/worker/processes/messages.ts'
import { SharedArrays } from '../../../../src/worker/processes/shared-arrays.ts'
import { StepServer } from '../../../../src/worker/processes/step-server.ts'
import type { CalibratingSource } from '../../../../src/worker/step-source.ts'
import { type ProcessScript, VALUES, VARIABLES } from './script.ts'

const script = JSON.parse(process.argv.at(-1) ?? '') as ProcessScript
const whole = wholeLayout({ variables: VARIABLES })

const send = (message: object) => process.send?.(message)
const fail = (error: unknown) => {
  process.send?.({ type: 'failed', code: errorCode(error), message: errorMessage(error) }, () => process.exit(1))
}

/** The gradient of a step: the weights, and the number of the leased unit times what the script says. */
function source(leases: Pick<LeaseSource, 'next'>, { calibrationImages }: LoaderStart) {
  let weights = new Float32Array(VALUES)
  let steps = 0
  const made: CalibratingSource = {
    load: (values) => {
      weights = (values.get('w') as Float32Array).slice()
    },
    async next(into) {
      const step = steps++
      if (script.failsAt === step) throw new DownpourError(script.code ?? 'BAD_DATA', 'a script')
      if (script.hangsAt === step) await new Promise(() => {})
      if (script.killedAt === step) process.kill(process.pid, 'SIGKILL')
      const lease = await leases.next()
      if (!lease) return null
      const gradient = into?.get('w') as Float32Array
      for (let i = 0; i < VALUES; i++) gradient[i] = (weights[i] as number) + lease.unit * script.gradient
      const isBad = script.badSteps?.includes(step) ?? false
      return {
        ...{ loss: isBad ? Number.NaN : lease.unit, parts: { half: lease.unit / 2 }, examples: 4, seconds: 0.5 },
        gradients: new Map([['w', gradient]]),
        statistics: new Map([['mean', Float32Array.of(lease.unit)]]),
        batches: isBad ? 0 : 1,
        nonFinite: isBad ? 1 : 0,
      }
    },
    measure: async (values) =>
      new Map([['mean', Float32Array.of(((values.get('w') as Float32Array)[0] ?? 0) * (calibrationImages ?? 0))]]),
    stats: () => ({ corruptRecords: 1, queuedBatches: 2 }),
  }
  return made
}

const server = new StepServer({
  process: script.process,
  opened: {
    facts: { units: 9, labels: [], passedOver: [] },
    backend: 'scripted',
    signal: new AbortController().signal,
    start: (leases, start) => source(leases, start),
    close: async () => {},
  },
  shared: new SharedArrays(SHARED_FD, whole, script.processes),
  whole,
  waitedSeconds: () => 0,
  rssBytes: () => 1000,
  send,
})
process.on('message', (message) => void server.take(message as ToProcess).catch(fail))
process.on('disconnect', () => process.exit())
if (script.opens === false) fail(new DownpourError('DATA_EMPTY', 'a script'))
else send({ type: 'opened', facts: { units: 9, labels: [], passedOver: [] }, backend: 'scripted' })
