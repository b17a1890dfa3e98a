/** The training loop: next batch, forward, backward, push; every n_fetch steps pull (paper.md §3.1, §4.4). */
import type { Loader } from '../input/loader.ts'
import { Accumulator } from './accumulator.ts'
import type { WeightsBase } from './buffers.ts'
import type { Prepare } from './calibrate.ts'
import type { ShardClient } from './client.ts'
import { createExchange, type ExchangeOptions } from './exchange.ts'
import { NonFinite } from './non-finite.ts'
import type { Stepper } from './step.ts'

export interface LoopOptions extends ExchangeOptions {
  client: Pick<ShardClient, 'pull' | 'push' | 'done' | 'outgoing'>
  loader: Pick<Loader<unknown>, 'next' | 'recycle' | 'stats'>
  stepper: Stepper
  /** Absent: the weights are used as they are pulled. */
  prepare?: Prepare | undefined
  signal: AbortSignal
}

/** Trains until the job is done. @throws DownpourError NON_FINITE, FENCED, BAD_DATA…; AbortError */
export async function trainingLoop(options: LoopOptions): Promise<void> {
  const { config, client, loader, stepper, prepare, report, signal } = options
  const { pushEvery } = config.async
  const exchange = createExchange(options)
  const accumulated = new Accumulator()
  const badSteps = new NonFinite(config.maxNonFinite)
  let base: WeightsBase = []

  for (let step = 0; !client.done; step++) {
    signal.throwIfAborted()
    const pulled = await exchange.weightsFor(step)
    if (client.done) return
    if (pulled) {
      stepper.load(prepare ? await prepare(pulled) : pulled.weights)
      base = pulled.base
    }

    const batch = await report.timed('data', loader.next())
    if (!batch) return exchange.finish()
    // A sum of several gradients needs arrays of its own.
    const result = await stepper.step(batch, pushEvery === 1 ? client.outgoing : undefined)
    loader.recycle(batch)
    report.onStep(result, loader.stats())

    if (!result.finite) {
      // Not pushed: NaN must not reach the optimizer.
      report.onNonFinite()
      badSteps.note(result.loss)
      continue
    }
    badSteps.reset()

    accumulated.add(result, base)
    if (accumulated.steps === pushEvery) await exchange.push(accumulated.take())
  }
}
