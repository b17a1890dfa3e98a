import type { KubeClient } from '../kube/client.ts'
import type { Clock } from '../support/clock.ts'
import type { Log } from '../support/log.ts'
import { Expectations } from './expectations.ts'
import type { PublishedJob } from './job-figures.ts'
import { JobTime } from './job-time.ts'
import { Rehearsal } from './rehearsal.ts'
import { StatusWriter } from './status-writer.ts'
import { WorkerCount } from './worker-count.ts'

export interface JobMemoryOptions {
  client: KubeClient
  clock: Clock
  log: Log
}

/** What the operator remembers about one job between two reconciles. It is dropped as a whole when the job is gone. */
export class JobMemory {
  readonly key: string
  readonly statuses: StatusWriter
  readonly rehearsal: Rehearsal
  readonly expectations: Expectations
  readonly time: JobTime
  readonly workerCount: WorkerCount
  /** Code of the last failure that was logged, so that a failure that lasts is one line. */
  loggedCode: string | undefined
  /** What the metrics show of the job. */
  published: PublishedJob | undefined

  constructor(key: string, { client, clock, log }: JobMemoryOptions) {
    this.key = key
    this.statuses = new StatusWriter(client, clock)
    this.rehearsal = new Rehearsal(client)
    this.expectations = new Expectations(clock)
    this.time = new JobTime(clock)
    this.workerCount = new WorkerCount({ client, clock, log: log.child({ job: key }) })
  }
}
