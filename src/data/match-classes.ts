/**
 * Maps the labels of a folder onto the classes of the job by name, because the same id may mean another class in
 * another folder.
 */
import type { Class } from '../contract/classes.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { printable } from '../support/printable.ts'
import { similarName, someNames } from './label-names.ts'
import { createLabelMap, type Label, type LabelMap } from './labels.ts'

/** Names in the details of an error. */
const SHOWN = 5

/**
 * @param where the folder, for messages
 * @returns what maps label ids of the folder to ids of the job; it throws LABEL_UNKNOWN for an id that the folder lacks
 * @throws DownpourError CLASS_UNKNOWN: the folder has classes that the job lacks; HIERARCHY_DIFFERS
 */
export function matchClasses(own: LabelMap, job: LabelMap, where: string): (stored: readonly number[]) => number[] {
  const idByName = new Map(job.labels.map(({ id, name }) => [name.normalize('NFC'), id]))
  const unmatched = own.labels.filter(({ name }) => !idByName.has(name.normalize('NFC')))
  if (unmatched.length > 0) throw classUnknown(unmatched, job, where)
  const jobIdOf = own.labels.map(({ name }) => idByName.get(name.normalize('NFC')) as number)
  mustHaveSameAncestors(own, job, jobIdOf, where)
  return (stored) => ownIds(own, stored).map((id) => jobIdOf[id] as number)
}

/**
 * Logs once which classes of the job are missing in the folder. That is not an error.
 * @throws as matchClasses
 */
export function logMissingClasses(own: readonly Label[], classes: readonly Class[], where: string, log: Log): void {
  matchClasses(createLabelMap(own, where), createLabelMap(classes, 'the classes of the job'), where)
  const names = new Set(own.map(({ name }) => name.normalize('NFC')))
  const missing = classes.map(({ name }) => name).filter((name) => !names.has(name.normalize('NFC')))
  if (missing.length === 0) return
  log.warn({ where, missing: someNames(missing), count: missing.length }, 'classes of the job are missing in this data')
}

/** @throws DownpourError LABEL_UNKNOWN: an id that the folder's own labels do not have */
function ownIds(own: LabelMap, ids: readonly number[]): readonly number[] {
  if (ids.some((id) => !(id in own.labels))) own.close(ids)
  return ids
}

/**
 * A folder without a hierarchy fits any job. Otherwise each label must have the ancestors that it has in the job, as
 * far as the folder has them.
 */
function mustHaveSameAncestors(own: LabelMap, job: LabelMap, jobIdOf: readonly number[], where: string): void {
  if (own.labels.every(({ parents }) => parents.length === 0)) return
  const isHere = new Set(jobIdOf)
  for (const { id, name, parents } of own.labels) {
    const jobId = jobIdOf[id] as number
    const jobParents = job.labels[jobId]?.parents ?? []
    if (
      isSameSet(
        parents.map((parent) => jobIdOf[parent] as number),
        jobParents,
      )
    )
      continue
    const here = own.ancestorsOf(id).map((one) => jobIdOf[one] as number)
    const inJob = job.ancestorsOf(jobId).filter((one) => isHere.has(one))
    if (isSameSet(here, inJob)) continue
    const namesOf = (ids: readonly number[]) => someNames(ids.map((one) => job.labels[one]?.name ?? '')) || 'nothing'
    const message = `${where}: label "${printable(name)}" is below ${namesOf(here)}, in the job it is below ${namesOf(inJob)}; use the labels file that the job was trained with`
    throw new DownpourError('HIERARCHY_DIFFERS', message, { name })
  }
}

function isSameSet(a: readonly number[], b: readonly number[]): boolean {
  const set = new Set(a)
  return set.size === new Set(b).size && b.every((one) => set.has(one))
}

function classUnknown(unmatched: readonly Label[], job: LabelMap, where: string): DownpourError {
  const names = unmatched.map(({ name }) => name)
  const have = someNames(job.labels.map(({ name }) => name))
  const like = similarName(names, job.labels)
  const message = `${where}: the job has no class named ${someNames(names)}; its ${job.size} classes are ${have}${like}. Rename the class to the job's spelling, or move it away`
  return new DownpourError('CLASS_UNKNOWN', message, { names: names.slice(0, SHOWN) })
}
