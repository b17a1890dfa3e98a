/** Data sets whose annotations have label ids, which are matched by name with the classes of a job. */
import type { Class } from '../contract/classes.ts'
import { DownpourError } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import type { MaskAnnotation, ObjectAnnotation } from './annotations.ts'
import type { ClassLabels, Dataset, DatasetOf } from './dataset.ts'
import { createLabelMap, type Label, type LabelMap } from './labels.ts'
import { matchClasses } from './match-classes.ts'

export type Files<A> = Pick<Dataset<A>, 'units' | 'passedOver' | 'read' | 'ids' | 'itemCounts' | 'paths'>
type ToIds = (stored: readonly number[]) => readonly number[]
/** @param toIds from ids of the folder to ids of `labels` */
type Interpreter<A> = (labels: LabelMap, toIds: ToIds) => Dataset<A>['interpret']

/**
 * @param own the labels of the folder
 * @param root the folder, for messages
 */
export function classDataset(files: Files<ClassLabels>, own: LabelMap, root: string): DatasetOf<'classes'> {
  const interpreter: Interpreter<ClassLabels> =
    (labels, toIds) =>
    ({ labels: stored, truth }) => ({
      labels: labels.close(toIds(stored)),
      ...(truth ? { truth: toIds(truth) } : {}),
    })
  return { annotates: 'classes', ...labelledDataset(files, own, root, interpreter) }
}

/** Parameters as of `classDataset`. */
export function objectDataset(files: Files<ObjectAnnotation>, own: LabelMap, root: string): DatasetOf<'objects'> {
  const interpreter: Interpreter<ObjectAnnotation> = (_, toIds) => (annotation) => {
    const ids = toIds(annotation.objects.map(({ label }) => label))
    return { ...annotation, objects: annotation.objects.map((one, i) => ({ ...one, label: ids[i] as number })) }
  }
  return { annotates: 'objects', ...labelledDataset(files, own, root, interpreter) }
}

/** Parameters as of `classDataset`. The classes of a job must be those of the folder, because masks are not rewritten. */
export function maskDataset(files: Files<MaskAnnotation>, own: LabelMap, root: string): DatasetOf<'masks'> {
  const interpreter: Interpreter<MaskAnnotation> = (labels) => {
    const moved = own.labels.find(({ name }, id) => labels.labels[id]?.name.normalize('NFC') !== name.normalize('NFC'))
    if (moved === undefined) return (annotation) => annotation
    const message = `${root}: class ${moved.id} of the masks is "${printable(moved.name)}", and that of the job is "${printable(labels.labels[moved.id]?.name ?? '')}"`
    throw new DownpourError('DATA_CLASSES_DIFFER', message, { id: moved.id })
  }
  return { annotates: 'masks', ...labelledDataset(files, own, root, interpreter) }
}

/** The list of a job has names alone. Keypoints and ids of categories are in the labels of the folder. */
function described(classes: readonly Class[], own: LabelMap): Label[] {
  const byName = new Map(own.labels.map((label) => [label.name.normalize('NFC'), label]))
  return classes.map((one) => ({ ...byName.get(one.name.normalize('NFC')), ...one }))
}

function labelledDataset<A>(files: Files<A>, own: LabelMap, root: string, interpreter: Interpreter<A>): Dataset<A> {
  const withClasses = (classes: readonly Class[]): Dataset<A> => {
    const job = createLabelMap(described(classes, own), 'the classes of the job')
    const toJob = matchClasses(own, job, root)
    return { ...files, labels: job, withClasses, interpret: interpreter(job, toJob) }
  }
  return { ...files, labels: own, withClasses, interpret: interpreter(own, (ids) => ids) }
}
