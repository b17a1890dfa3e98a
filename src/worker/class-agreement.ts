/** How a worker and its job come to one list of classes: that of the job, or for a new job that of its first worker. */
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
   * @param mayOffer whether `own` can be the list of a job that has none; false: another worker must bring it
   */
  constructor(own: ClassList, mayOffer: (own: ClassList) => boolean) {
    this.#own = own
    this.#mayOffer = mayOffer
  }

  /** For the hello. */
  get id(): ClassesId {
    const { count, sha256 } = this.#agreed ?? this.#own
    return { count, sha256 }
  }

  /** Of the job. @throws RangeError before the first agreement */
  get classes(): readonly Class[] {
    if (!this.#agreed) throw new RangeError('no parameter server has told the classes of the job')
    return decodeClasses(this.#agreed.bytes, this.#agreed, 'the list of classes')
  }

  /**
   * After each welcome of parameter server 0, for another one may have come to its place.
   * @param told the list of the job; null: it has none yet
   * @throws DownpourError CLASSES_CHANGED: this process has trained by another list; what `mayOffer` throws; WIRE_CLOSED
   */
  async agree(channel: Channel, told: ClassesId | null): Promise<void> {
    const mine = this.#agreed ?? this.#own
    const ofJob = isSameList(told, mine) ? mine : await this.#exchange(channel, told, mine)
    if (this.#agreed && !isSameList(ofJob, this.#agreed)) {
      const message =
        'the parameter servers have started anew with another list of classes: this worker must start again'
      throw new DownpourError('CLASSES_CHANGED', message)
    }
    this.#agreed = ofJob
  }

  async #exchange(channel: Channel, told: ClassesId | null, mine: ClassList): Promise<ClassList> {
    const { count, sha256, bytes } = mine
    const offer = { type: 'offerClasses', count, sha256 } as const
    const { message, body } = await channel.request(offer, !told && this.#mayOffer(mine) ? bytes : EMPTY)
    if (message.type === 'refused') throw new DownpourError(message.code, message.message)
    if (message.type !== 'classes')
      throw new DownpourError('WIRE_UNEXPECTED', `${message.type} answered an offer of classes`)
    if (isSameList(message, mine)) return mine
    decodeClasses(body, message, 'what the parameter server told')
    return { count: message.count, sha256: message.sha256, bytes: body }
  }
}
