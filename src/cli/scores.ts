/** Scores of a job's checkpoints over its steps: those that the run has seen, and those that lie beside the checkpoints. */
import { join } from 'node:path'
import type { Job } from '../api/job.ts'
import { realFileSystem } from '../checkpoint/file-system.ts'
import { listCheckpoints } from '../checkpoint/list.ts'
import { readSmallFile } from '../checkpoint/small-file.ts'
import { FILES, MAX_EVALUATION_BYTES, parseEvaluation } from '../contract/files.ts'

export interface Score {
  step: number
  metrics: Readonly<Record<string, number>>
}

/** Scores that were seen go on to be known when their checkpoints are purged. */
export class ScoreBook {
  readonly #seen = new Map<string, Map<number, Score>>()

  note(jobs: readonly Job[]): void {
    for (const { metadata, status } of jobs) {
      if (!status?.results) continue
      const ofJob = this.#seen.get(metadata.uid) ?? new Map<number, Score>()
      this.#seen.set(metadata.uid, ofJob.set(status.results.step, status.results))
    }
  }

  /** @param folder where the job saves, if it is known. @returns by rising step */
  async of({ metadata }: Pick<Job, 'metadata'>, folder: string | undefined): Promise<Score[]> {
    const saved = folder === undefined ? [] : await savedScores(folder)
    const all = new Map([
      ...saved.map((score) => [score.step, score] as const),
      ...(this.#seen.get(metadata.uid) ?? []),
    ])
    return [...all.values()].sort((a, b) => a.step - b.step)
  }
}

async function savedScores(folder: string): Promise<Score[]> {
  const { checkpoints } = await listCheckpoints(folder).catch(() => ({ checkpoints: [] }))
  const scores = await Promise.all(checkpoints.map(({ folder: at, digest }) => readScore(at, digest)))
  return scores.filter((score) => score !== undefined)
}

/** The evaluator's record beside a checkpoint; scores of other bytes than these do not count. */
export async function readScore(folder: string, digest: string): Promise<Score | undefined> {
  const path = join(folder, FILES.evaluation)
  const text = await readSmallFile(path, MAX_EVALUATION_BYTES, realFileSystem).catch(() => '')
  const record = parseEvaluation(text.toString())
  return record?.digest === digest ? record : undefined
}
