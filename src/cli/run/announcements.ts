/** Prints what pre-training gains in each pair of jobs, once, as soon as both have succeeded. */
import type { Job } from '../../api/job.ts'
import type { ProgressView } from '../progress.ts'
import { gainSentence, transferGains } from '../transfer-gains.ts'

export class Announcements {
  readonly #view: Pick<ProgressView, 'print'>
  readonly #announced = new Set<string>()

  constructor(view: Pick<ProgressView, 'print'>) {
    this.#view = view
  }

  announce(jobs: readonly Job[]): void {
    const succeeded = jobs.filter(({ status }) => status?.phase === 'Succeeded').map((job) => ({ job }))
    for (const gain of transferGains(succeeded)) {
      const key = `${gain.pretrained.metadata.uid} ${gain.metric.name} ${gain.isReduced}`
      if (!this.#announced.has(key)) this.#view.print(gainSentence(gain))
      this.#announced.add(key)
    }
  }
}
