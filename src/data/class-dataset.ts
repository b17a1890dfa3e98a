import type { ClassLabels, Dataset } from './dataset.ts'
import { createLabelMap, type LabelMap } from './labels.ts'
import { matchClasses } from './match-classes.ts'

type Files = Pick<Dataset<ClassLabels>, 'units' | 'passedOver' | 'read'>

/**
 * The data set of a format whose annotations are class labels.
 * @param own the labels of the folder
 * @param root the folder, for messages
 */
export function classDataset(files: Files, own: LabelMap, root: string): Dataset<ClassLabels> {
  const withClasses: Dataset<ClassLabels>['withClasses'] = (classes) => {
    const job = createLabelMap(classes, 'the classes of the job')
    const toJob = matchClasses(own, job, root)
    return { ...files, labels: job, withClasses, interpret: interpreter(job, toJob) }
  }
  return { ...files, labels: own, withClasses, interpret: interpreter(own, (ids) => ids) }
}

function interpreter(labels: LabelMap, toIds: (stored: readonly number[]) => readonly number[]) {
  return ({ labels: stored, truth }: ClassLabels): ClassLabels => ({
    labels: labels.close(toIds(stored)),
    ...(truth ? { truth: toIds(truth) } : {}),
  })
}
