import type { Channel } from '../wire/channel.ts'
import type { ModelLayout } from '../wire/layout.ts'
import type { FirstWeights } from './first-weights.ts'
import type { JobClasses } from './job-classes.ts'
import type { LeaseTable } from './leases.ts'
import type { Training } from './training.ts'
import type { WorkerId } from './workers.ts'

/** The state that exists once the model is known. */
export interface OpenShard {
  layout: ModelLayout
  training: Training
  firstWeights: FirstWeights
  /** Only on parameter server 0. */
  leases: LeaseTable | undefined
  /** Only on parameter server 0. */
  classes: JobClasses | undefined
}

export interface Peer {
  channel: Channel
  role: 'worker' | 'coordinator'
  who: WorkerId
  /** Number of units of data that it sees. */
  dataUnits: number
  /** It will not reconnect. */
  saidGoodbye?: boolean
  /** It has not received the weights of its last pull yet. */
  isPulling?: boolean
}
