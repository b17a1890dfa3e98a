/** The training loop: next batch, forward, backward, push; every n_fetch steps pull (paper.md §3.1, §4.4). */
import { Accumulator } from './accumulator.ts'
import type { WeightsBase } from './buffers.ts'
import type { Prepare } from './calibrate.ts'
import type { ShardClient } from './client.ts'
import { createExchange, type ExchangeOptions } from './exchange.ts'
import { NonFinite } from './non-finite.ts'
import type { StepSource } from './step-source.ts'

export interface LoopOptions extends ExchangeOptions {
  client: Pick<ShardClient, 'pull' | 'push' | 'done' | 'outgoing'>
  source: StepSource
  /** Absent: the weights are used as they are pulled. */
  prepare?: Prepare | undefined
  signal: AbortSignal
}

/** Trains until the job is done. @throws DownpourError NON_FINITE, FENCED, BAD_DATA…; AbortError */
export async function trainingLoop(options: LoopOptions): Promise<void> {
  const { config, client, source, prepare, report, signal } = options
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
      source.load(prepare ? await prepare(pulled) : pulled.weights)
      base = pulled.base
    }

    // A sum of several steps needs arrays of its own.
    const result = await source.next(pushEvery === 1 ? client.outgoing : undefined)
    if (!result) return exchange.finish()
    report.onStep(result, source.stats())

    // Not pushed: NaN must not reach the optimizer.
    if (result.nonFinite > 0) report.onNonFinite(result.nonFinite)
    if (result.batches === 0) {
      badSteps.note(result.loss, result.nonFinite)
      continue
    }
    badSteps.reset()

    accumulated.add(result, base)
    if (accumulated.steps === pushEvery) await exchange.push(accumulated.take())
  }
}
