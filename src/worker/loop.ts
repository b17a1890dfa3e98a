/** The training loop: next batch, forward, backward, push; every n_fetch steps pull (paper.md §3.1, §4.4). */
import type { PushResult } from '../contract/exchange.ts'
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
  const [badSteps, badPushes] = [new NonFinite(config.maxNonFinite), new NonFinite(config.maxNonFinite)]
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
    loader.recycle(batch)
    report.onStep(result, loader.stats())

    if (!result.finite) {
      // Not pushed: NaN must not reach the optimizer.
      report.onNonFinite()
      badSteps.note(result.loss)
      continue
    }
    badSteps.reset()

    accumulated.add(result, client.base)
    if (accumulated.steps < pushEvery) continue
    const pushed = await push(client, accumulated.take(), report, log)
    if (pushed === 'nonfinite') badPushes.note(result.loss)
    else badPushes.reset()
    mustPull = PULL_AFTER.has(pushed)
  }
}

/** The results after which the worker must pull before the next step. */
const PULL_AFTER: ReadonlySet<PushResult> = new Set(['stale', 'incarnation', 'wait', 'nonfinite'])

/** Counts gradients in a row with values that are not finite. */
class NonFinite {
  readonly #limit: number
  #inRow = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  reset(): void {
    this.#inRow = 0
  }

  /** @throws DownpourError NON_FINITE */
  note(loss: number): void {
    if (++this.#inRow < this.#limit) return
    throw new DownpourError(
      'NON_FINITE',
      `${this.#inRow} gradients in a row held NaN or infinite values (loss ${loss}): lower the learning rate or check the data`,
    )
  }
}

async function push(client: ShardClient, request: PushRequest, report: Reporter, log: Log): Promise<PushResult> {
  const { result, step } = await report.timed('push', client.push(request))
  report.onPushed(result)
  if (PULL_AFTER.has(result)) log.info({ result, step }, 'push not applied, pulling again')
  return result
}
