/**
 * Class folders that only some parts of a data set have: a model would be scored on classes that it was not trained on.
 */
import { dirname } from 'node:path'
import { printable } from '../../support/printable.ts'
import type { LabelMap } from '../labels.ts'

interface Part {
  folder: string
  format: string
  labels: LabelMap
}

const SHOWN = 3

/** A line for each part without some of the classes of the parts beside it. */
export function classDifferences(parts: readonly Part[]): string[] {
  const ofClasses = parts.filter(({ format }) => format === 'imagenet-folder')
  return [...Map.groupBy(ofClasses, ({ folder }) => dirname(folder)).values()].flatMap(differencesOf)
}

function differencesOf(parts: readonly Part[]): string[] {
  const names = parts.map(({ labels }) => new Set(labels.labels.map(({ name }) => name)))
  const all = [...new Set(names.flatMap((some) => [...some]))].sort()
  return parts.flatMap(({ folder }, i) => {
    const lacking = all.filter((name) => !names[i]?.has(name))
    return lacking.length === 0 ? [] : [`${printable(folder)} lacks ${listed(lacking)}, which those beside it have`]
  })
}

function listed(names: readonly string[]): string {
  const rest = names.length - SHOWN
  const shown = names.slice(0, SHOWN).map(printable).join(', ')
  return `${names.length === 1 ? 'class' : 'classes'} ${shown}${rest > 0 ? ` and ${rest} more` : ''}`
}
