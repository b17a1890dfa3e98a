import type { ObjectAnnotation } from '../../data/annotations.ts'
import { keepAspect } from '../../input/keep-aspect.ts'
import type { InputPipeline } from '../../input/pipeline.ts'
import { parseDetectionInput } from './options.ts'
import { type DetectionTarget, detectionTarget } from './target.ts'

/** @throws DownpourError CONFIG_INVALID */
export function createInput(given: unknown): InputPipeline<ObjectAnnotation, DetectionTarget> {
  return keepAspect(parseDetectionInput(given), ({ annotation }, view) => detectionTarget(annotation, view))
}
