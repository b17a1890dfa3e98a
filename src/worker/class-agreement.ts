/** Agrees with parameter server 0 on the list of classes: that of the job, or for a new job that of its first worker. */
import { type Class, type ClassesId, type ClassList, decodeClasses, isSameList } from '../contract/classes.ts'
import { DownpourError } from '../support/errors.ts'
import type { Channel } from '../wire/channel.ts'
import { EMPTY } from '../wire/frames.ts'

export class ClassAgreement {
  readonly #own: ClassList
  readonly #mayOffer: (own: ClassList) => boolean
  #agreed: ClassList | undefined

  /**
   * @param own the classes of the worker's folder
   * @param mayOffer whether `own` can become the list of a job without one; false: another worker must offer its list
   */
  constructor(own: ClassList, mayOffer: (own: ClassList) => boolean) {
    this.#own = own
    this.#mayOffer = mayOffer
  }

  /** Identifies the list in a hello. */
  get id(): ClassesId {
    const { count, sha256 } = this.#agreed ?? this.#own
    return { count, sha256 }
  }

  /** The classes of the job. @throws RangeError before the first agreement */
  get classes(): readonly Class[] {
    if (!this.#agreed) throw new RangeError('the classes of the job are not known yet')
    return decodeClasses(this.#agreed.bytes, this.#agreed, 'the list of classes')
  }

  /**
   * Called after each welcome of parameter server 0, because it may have been replaced.
   * @param announced the list of the job; null: it has none yet
   * @throws DownpourError CLASSES_CHANGED: this process has trained with another list; what `mayOffer` throws; WIRE_CLOSED
   */
  async agree(channel: Channel, announced: ClassesId | null): Promise<void> {
    const mine = this.#agreed ?? this.#own
    const ofJob = isSameList(announced, mine) ? mine : await this.#exchange(channel, announced, mine)
    if (this.#agreed && !isSameList(ofJob, this.#agreed)) {
      const message = 'the parameter servers restarted with another list of classes: this worker must restart, too'
      throw new DownpourError('CLASSES_CHANGED', message)
    }
    this.#agreed = ofJob
  }

  async #exchange(channel: Channel, announced: ClassesId | null, mine: ClassList): Promise<ClassList> {
    const { count, sha256, bytes } = mine
    const offer = { type: 'offerClasses', count, sha256 } as const
    const { message, body } = await channel.request(offer, !announced && this.#mayOffer(mine) ? bytes : EMPTY)
    if (message.type === 'refused') throw new DownpourError(message.code, message.message)
    if (message.type !== 'classes')
      throw new DownpourError('WIRE_UNEXPECTED', `${message.type} answered an offer of classes`)
    if (isSameList(message, mine)) return mine
    decodeClasses(body, message, 'the list from the parameter server')
    return { count: message.count, sha256: message.sha256, bytes: body }
  }
}
