import type { Channel } from '../wire/channel.ts'
import type { ModelLayout } from '../wire/layout.ts'
import type { JobClasses } from './job-classes.ts'
import type { LeaseTable } from './leases.ts'
import type { Training } from './training.ts'
import type { WorkerId } from './workers.ts'

/** What the first hello brings into being. */
export interface OpenShard {
  layout: ModelLayout
  training: Training
  /** Parameter server 0 alone hands out data. */
  leases: LeaseTable | undefined
  /** Parameter server 0 alone keeps them. */
  classes: JobClasses | undefined
}

export interface Peer {
  channel: Channel
  role: 'worker' | 'coordinator'
  who: WorkerId
  /** How many units of data it sees. */
  dataUnits: number
  /** It will not come back. */
  saidGoodbye?: boolean
  /** It has not taken the weights yet that it asked for last. */
  isPulling?: boolean
}
