/** What every contender exchanges: the weights of a model one way, and as many gradients the other way. */
import type { RuntimeConfig } from '../../src/contract/runtime.ts'
import type { VariableSpec } from '../../src/support/variables.ts'
import { makeConfig } from '../../test/unit/ps/fixtures.ts'

export const VARIABLES = 20
export const ELEMENTS_EACH = 1_000_000
export const BODY_BYTES = 4 * VARIABLES * ELEMENTS_EACH
/** Of one worker in one round. */
export const EXCHANGES = 5

export const variables: readonly VariableSpec[] = Array.from({ length: VARIABLES }, (_, i) => ({
  name: `w${i}`,
  shape: [ELEMENTS_EACH],
  kind: 'trainable',
  decay: true,
  init: { type: 'constant', value: 0.5 },
}))

/** RMSProp with momentum, as strategy.py applies it, and weight decay, which costs Downpour no other pass. */
export const config: RuntimeConfig = makeConfig({
  optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 },
  learningRate: { type: 'constant', initial: 1e-4 },
  weightDecay: 1e-5,
})

/** Of one read, as in src/wire/channel.ts. */
const READ_BYTES = 1 << 19

/** Where the next bytes of a body go. */
export function spaceAt(at: number, sink: Buffer): Buffer {
  return sink.subarray(at, Math.min(BODY_BYTES, at + READ_BYTES))
}
