/** The training loop: next batch, forward, backward, push; every n_fetch steps pull (paper.md §3.1, §4.4). */
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { Loader } from '../input/loader.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { Accumulator } from './accumulator.ts'
import type { Prepare } from './calibrate.ts'
import type { PushRequest, ShardClient } from './client.ts'
import type { Reporter } from './report.ts'
import type { Stepper } from './step.ts'

export interface LoopOptions {
  config: Pick<RuntimeConfig, 'async' | 'maxNonFinite'>
  client: ShardClient
  loader: Loader<unknown>
  stepper: Stepper
  /** Absent: the weights are used as they are pulled. */
  prepare?: Prepare | undefined
  report: Reporter
  signal: AbortSignal
  log: Log
}

/** Trains until the job is done. @throws DownpourError NON_FINITE, FENCED, BAD_DATA…; AbortError */
export async function trainingLoop({
  config,
  client,
  loader,
  stepper,
  prepare,
  report,
  signal,
  log,
}: LoopOptions): Promise<void> {
  const { fetchEvery, pushEvery } = config.async
  const accumulated = new Accumulator()
  let nonFiniteInRow = 0
  let mustPull = true

  for (let step = 0; !client.done; step++) {
    signal.throwIfAborted()
    if (mustPull || step % fetchEvery === 0) {
      const { weights, changed } = await report.timed('pull', client.pull())
      if (client.done) return
      if (changed || mustPull) stepper.load(prepare ? await prepare(weights) : weights)
      mustPull = false
    }

    const batch = await report.timed('data', loader.next())
    if (!batch) return
    const result = await stepper.step(batch)
    report.onStep(result, loader.stats())

    if (!result.finite) {
      // Not pushed: NaN must not reach the optimizer.
      report.onNonFinite()
      if (++nonFiniteInRow >= config.maxNonFinite) {
        throw new DownpourError(
          'NON_FINITE',
          `${nonFiniteInRow} gradients in a row held NaN or infinite values (loss ${result.loss}): lower the learning rate or check the data`,
        )
      }
      continue
    }
    nonFiniteInRow = 0

    accumulated.add(result, client.base)
    if (accumulated.steps < pushEvery) continue
    mustPull = await push(client, accumulated.take(), report, log)
  }
}

/** @returns whether the worker must pull before the next step */
async function push(client: ShardClient, request: PushRequest, report: Reporter, log: Log): Promise<boolean> {
  const { result, step } = await report.timed('push', client.push(request))
  report.onPushed(result)
  switch (result) {
    case 'applied':
    case 'duplicate':
    case 'done':
      return false
    case 'stale':
    case 'incarnation':
    case 'wait':
    case 'nonfinite':
      log.info({ result, step }, 'push not applied, pulling again')
      return true
  }
}
