/** Scores of a job's checkpoints: those seen in its status during the run, and those stored beside its checkpoints. */
import { join } from 'node:path'
import type { Job } from '../api/job.ts'
import { realFileSystem } from '../checkpoint/file-system.ts'
import { listCheckpoints } from '../checkpoint/list.ts'
import { readSmallFile } from '../checkpoint/small-file.ts'
import { FILES, MAX_EVALUATION_BYTES, parseEvaluation } from '../contract/files.ts'

export interface Score {
  step: number
  metrics: Readonly<Record<string, number>>
  /** On the images that spec.evaluation.exclude does not list. */
  reduced?: { metrics: Readonly<Record<string, number>> } | undefined
}

/** More than a hundred thousand scores. */
const MAX_LIST_BYTES = 2 ** 26

/** Remembers scores seen in a job's status, so that the report has them after their checkpoints were deleted. */
export class ScoreHistory {
  readonly #seen = new Map<string, Map<number, Score>>()

  note(jobs: readonly Job[]): void {
    for (const { metadata, status } of jobs) {
      if (!status?.results) continue
      const ofJob = this.#seen.get(metadata.uid) ?? new Map<number, Score>()
      this.#seen.set(metadata.uid, ofJob.set(status.results.step, status.results))
    }
  }

  /** @param folder where the job saves; undefined: unknown. @returns all scores, in order of step */
  async of({ metadata }: Pick<Job, 'metadata'>, folder: string | undefined): Promise<Score[]> {
    const saved = folder === undefined ? [] : await savedScores(folder)
    const all = new Map([
      ...saved.map((score) => [score.step, score] as const),
      ...(this.#seen.get(metadata.uid) ?? []),
    ])
    return [...all.values()].sort((a, b) => a.step - b.step)
  }
}

/** Those of the evaluator's list, which has deleted checkpoints, too, and those beside the checkpoints. */
async function savedScores(folder: string): Promise<Score[]> {
  const { checkpoints } = await listCheckpoints(folder).catch(() => ({ checkpoints: [] }))
  const scores = await Promise.all(checkpoints.map(({ folder: at, digest }) => readScore(at, digest)))
  const list = join(folder, FILES.evaluations)
  const text = await readSmallFile(list, MAX_LIST_BYTES, realFileSystem).catch(() => '')
  const listed = text.toString().split('\n').map(parseEvaluation)
  return [...listed, ...scores].filter((score) => score !== undefined)
}

/** @returns the evaluator's record beside a checkpoint; undefined without one, or if its digest is of other contents */
export async function readScore(folder: string, digest: string): Promise<Score | undefined> {
  const path = join(folder, FILES.evaluation)
  const text = await readSmallFile(path, MAX_EVALUATION_BYTES, realFileSystem).catch(() => '')
  const record = parseEvaluation(text.toString())
  return record?.digest === digest ? record : undefined
}
