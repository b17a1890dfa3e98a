import type { AnnotatedObject, ObjectAnnotation } from '../../data/annotations.ts'
import { fittedSize, type KeepAspectOptions, keepAspect } from '../../input/keep-aspect.ts'
import type { InputPipeline, Need } from '../../input/pipeline.ts'
import { parseDetectionInput } from './options.ts'
import { type DetectionTarget, detectionTarget } from './target.ts'

type CreateInput = (given: unknown) => InputPipeline<ObjectAnnotation, DetectionTarget>

const code = 'DATA_NO_OBJECTS'

/** @param scoring what the scores of the task need. The result throws DownpourError CONFIG_INVALID */
export function detectionInput(scoring: Need<ObjectAnnotation>): CreateInput {
  return (given) => {
    const input = parseDetectionInput(given)
    return {
      ...keepAspect(input, ({ annotation }, view) => detectionTarget(annotation, view)),
      needs: { learning: learningNeed(input), scoring },
    }
  }
}

/** @param expected completes "none of its pictures has …" */
export function objectNeed(expected: string, counts: (object: AnnotatedObject) => boolean): Need<ObjectAnnotation> {
  return { code, expected, isMet: ({ objects }) => objects.some(counts) }
}

/** Objects that vanish when the picture is resized are not learned, either. */
function learningNeed(options: KeepAspectOptions): Need<ObjectAnnotation> {
  const expected =
    'an object that can be learned: crowds, difficult objects, and boxes of less than a pixel of the resized picture cannot'
  return {
    ...{ code, expected },
    isMet(annotation) {
      const size = fittedSize(annotation, options)
      const { ignored } = detectionTarget(annotation, { size, padded: size, flip: false, seed: 0 })
      return ignored.includes(0)
    },
  }
}
