import { boxScores } from '../../scores/coco/score.ts'
import type { Found } from '../detection/found.ts'
import { mustHaveObjects } from '../detection/must-have-objects.ts'
import type { DetectionTarget } from '../detection/target.ts'
import type { Scorer } from '../task.ts'
import { DetectionColumns, TruthColumns } from './columns.ts'

/**
 * COCO's box metrics in pixels of the picture files; crowds are ignored. APsmall, APmedium and APlarge are NaN, and so
 * left out of scores, where no object has such an area.
 */
export function createScorer(): Scorer<DetectionTarget, Found> {
  const truths = new TruthColumns()
  const detections = new DetectionColumns()
  let images = 0
  return {
    add(predictions, targets) {
      targets.forEach(({ truth }, i) => {
        truths.add(truth, images)
        detections.add(predictions[i] as Found, images)
        images++
      })
    },
    result() {
      const { summary } = boxScores({
        images: Array.from({ length: images }, (_, i) => i),
        categories: truths.labels(),
        truths: truths.values(),
        detections: detections.values(),
      })
      mustHaveObjects((summary.AP ?? -1) >= 0, images)
      return metricsOf(summary)
    },
  }
}

/** COCO's -1 stands for a mean over nothing. */
function metricsOf({ AP, AP50, AP75, APsmall, APmedium, APlarge }: Readonly<Record<string, number>>) {
  const named = { AP, 'AP@.5': AP50, 'AP@.75': AP75, APsmall, APmedium, APlarge }
  return Object.fromEntries(
    Object.entries(named).map(([name, value = -1]) => [name, value < 0 ? Number.NaN : value] as const),
  )
}
