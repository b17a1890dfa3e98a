import type { Dataset } from '../data/dataset.ts'
import { interpretAt, placed } from '../data/interpret.ts'
import { DownpourError } from '../support/errors.ts'
import type { CorruptionCount } from './corruption-count.ts'
import type { Need } from './pipeline.ts'

export interface MustHaveOptions<A> {
  dataset: Dataset<A>
  need: Need<A>
  /** The folder, for messages. */
  where: string
  /** Counts damage before the first picture that meets the need. */
  corruption: CorruptionCount
  /** Ids of pictures that do not count. */
  excluded?: ReadonlySet<string> | undefined
  signal?: AbortSignal
}

/**
 * Reads the data set up to the first picture that meets the need, which in a usable set is one of the first.
 * @throws DownpourError the code of the need: no picture meets it; DATA_EMPTY, DATA_UNREADABLE, LABEL_UNKNOWN, BAD_DATA; AbortError
 */
export async function mustHave<A>({
  dataset,
  need,
  where,
  corruption,
  excluded,
  signal,
}: MustHaveOptions<A>): Promise<void> {
  let pictures = 0
  for (const unit of dataset.units.keys()) {
    for await (const item of dataset.read(unit)) {
      signal?.throwIfAborted()
      if (item.type === 'corrupt') corruption.add(item.where, item.reason)
      else if (!excluded?.has(item.id)) {
        const annotation = interpretAt(dataset, item)
        if (placed(item.where, () => need.isMet(annotation))) return
        pictures++
      }
    }
  }
  if (pictures === 0) {
    const damage =
      corruption.first === undefined ? '' : `; ${corruption.count} are damaged, the first: ${corruption.first}`
    throw new DownpourError('DATA_EMPTY', `${where}: has no picture that can be used${damage}`, { where })
  }
  const which = excluded ? 'pictures that are not excluded' : 'pictures'
  throw new DownpourError(need.code, `${where}: none of its ${pictures} ${which} has ${need.expected}`, { where })
}
