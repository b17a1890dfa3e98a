/** Mean average precision over the classes of PASCAL VOC (paper.md §4.9). */
import { type VocDetection, type VocMethod, type VocObject, vocAveragePrecision, vocCurve } from './voc.ts'

export interface VocScores {
  /** The mean over `byClass`; NaN if it is empty. */
  readonly mAP: number
  /** A class without an object that counts has no average precision and is left out. */
  readonly byClass: ReadonlyMap<string, number>
}

type Named<T> = T & { readonly name: string }

/** @param method `11-point` for VOC2007 to VOC2009, `area` for later years */
export function vocScores(
  objects: readonly Named<VocObject>[],
  detections: readonly Named<VocDetection>[],
  method: VocMethod,
): VocScores {
  const [truth, found] = [Map.groupBy(objects, ({ name }) => name), Map.groupBy(detections, ({ name }) => name)]
  const byClass = new Map<string, number>()
  for (const name of [...truth.keys()].sort()) {
    const curve = vocCurve(truth.get(name) ?? [], found.get(name) ?? [])
    if (curve) byClass.set(name, vocAveragePrecision(curve, method))
  }
  return { mAP: mean([...byClass.values()]), byClass }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
