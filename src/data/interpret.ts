import { DownpourError } from '../support/errors.ts'
import type { Dataset, Encoded } from './dataset.ts'

/**
 * @throws DownpourError LABEL_UNKNOWN with the place of the label. It is not skipped like damage: it means that data and
 * labels file do not belong together
 */
export function interpretAt<A>(dataset: Dataset<A>, { annotation, where }: Encoded<A>): A {
  return placed(where, () => dataset.interpret(annotation))
}

/** @throws DownpourError of `work`, with the place before its message */
export function placed<R>(where: string, work: () => R): R {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof DownpourError)) throw error
    throw new DownpourError(error.code, `${where}: ${error.message}`, { ...error.details, where })
  }
}
