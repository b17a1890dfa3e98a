/**
 * Training on some of the labels of a data set. Both arms of the paper's comparison (paper.md §2.6) read the images that
 * have one of these labels: the one learns these labels alone, the other all labels of the same images.
 */
import type { DataConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import type { ClassLabels, Dataset, Item } from './dataset.ts'
import { interpretAt } from './interpret.ts'
import { similarName, someNames } from './label-names.ts'
import { classDataset } from './labelled-dataset.ts'
import { createLabelMap, type LabelMap } from './labels.ts'

type LabelSubset = NonNullable<DataConfig['labelSubset']>
type Read = Dataset<ClassLabels>['read']

/**
 * @param root the folder, for messages
 * @throws DownpourError LABEL_UNKNOWN: a name that is no label of the data set
 */
export function withLabelSubset(
  dataset: Dataset<ClassLabels>,
  { names, keepOtherLabels }: LabelSubset,
  root: string,
): Dataset<ClassLabels> {
  const chosen = idsOf(names, dataset.labels, root)
  const read = keepOtherLabels ? imagesWith(dataset, chosen) : relabelled(dataset, chosen)
  if (keepOtherLabels) return reading(dataset, read)
  const { units, passedOver } = dataset
  return classDataset({ units, passedOver, read }, restricted(dataset.labels, chosen), root)
}

/** The same data set with another way to read it, also after `withClasses`. Only reading shows what remains. */
function reading({ ids, itemCounts, ...dataset }: Dataset<ClassLabels>, read: Read): Dataset<ClassLabels> {
  return { ...dataset, read, withClasses: (classes) => reading(dataset.withClasses(classes), read) }
}

/** The chosen labels in their order in the data set: the index here is the id of the class. */
function idsOf(names: readonly string[], { labels }: LabelMap, root: string): number[] {
  const idByName = new Map(labels.map(({ id, name }) => [name.normalize('NFC'), id]))
  const unknown = names.filter((name) => !idByName.has(name.normalize('NFC')))
  if (unknown.length > 0) {
    const message = `${root}: labelSubset names ${someNames(unknown)}, and the data has no such label${similarName(unknown, labels)}`
    throw new DownpourError('LABEL_UNKNOWN', message, { names: unknown.slice(0, 5) })
  }
  return [...new Set(names.map((name) => idByName.get(name.normalize('NFC')) as number))].sort((a, b) => a - b)
}

function restricted({ labels, ancestorsOf }: LabelMap, chosen: readonly number[]): LabelMap {
  const classOf = new Map(chosen.map((id, index) => [id, index]))
  const named = chosen.map((id, index) => ({
    id: index,
    name: labels[id]?.name ?? '',
    parents: ancestorsOf(id).flatMap((ancestor) => classOf.get(ancestor) ?? []),
  }))
  return createLabelMap(named)
}

/** Examples with a chosen label, as they are stored. */
function imagesWith(dataset: Dataset<ClassLabels>, chosen: readonly number[]): Read {
  const isChosen = new Set(chosen)
  return (unit, isWanted) =>
    selected(dataset.read(unit, isWanted), (example) => {
      const { labels } = interpretAt(dataset, example)
      return labels.some((id) => isChosen.has(id)) ? example.annotation : undefined
    })
}

/** Examples with a chosen label, with their chosen labels alone. */
function relabelled(dataset: Dataset<ClassLabels>, chosen: readonly number[]): Read {
  const classOf = new Map(chosen.map((id, index) => [id, index]))
  const classesOf = (ids: readonly number[]) => ids.flatMap((id) => classOf.get(id) ?? [])
  return (unit, isWanted) =>
    selected(dataset.read(unit, isWanted), (example) => {
      const { labels, truth } = interpretAt(dataset, example)
      const classes = classesOf(labels)
      return classes.length > 0 ? { labels: classes, ...(truth ? { truth: classesOf(truth) } : {}) } : undefined
    })
}

type Example = Extract<Item<ClassLabels>, { type: 'example' }>

/** @param annotationOf undefined leaves the example out */
async function* selected(
  items: AsyncIterable<Item<ClassLabels>>,
  annotationOf: (example: Example) => ClassLabels | undefined,
): AsyncGenerator<Item<ClassLabels>> {
  for await (const item of items) {
    const annotation = item.type === 'example' ? annotationOf(item) : undefined
    if (item.type === 'corrupt') yield item
    else if (annotation) yield { ...item, annotation }
  }
}
