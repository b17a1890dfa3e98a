import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeClasses } from '../../../src/contract/classes.ts'
import { DownpourError } from '../../../src/support/errors.ts'
import type { Channel, Reply } from '../../../src/wire/channel.ts'
import { EMPTY } from '../../../src/wire/frames.ts'
import type { Message } from '../../../src/wire/messages.ts'
import { ClassAgreement } from '../../../src/worker/class-agreement.ts'

const listOf = (...names: string[]) => encodeClasses(names.map((name, id) => ({ id, name, parents: [] })))
const ANT = listOf('ant', 'bee')
const BEE = listOf('bee', 'ant')
const idOf = ({ count, sha256 }: typeof ANT) => ({ count, sha256 })

/** Answers like parameter server 0 with this `list`, and records the bodies that it receives. */
function serverWith(list: typeof ANT): { channel: Channel; bodies: number[] } {
  const bodies: number[] = []
  const request = async (offer: Message<'offerClasses'>, body: Uint8Array): Promise<Reply> => {
    bodies.push(body.length)
    const isSame = offer.sha256 === list.sha256
    return { message: { type: 'classes', ...idOf(list) }, body: isSame ? EMPTY : list.bytes }
  }
  return { channel: { request } as unknown as Channel, bodies }
}

const names = (agreement: ClassAgreement) => agreement.classes.map(({ name }) => name)

test('a list is sent only to a server without one, and requested only if it differs', async () => {
  const { channel, bodies } = serverWith(ANT)
  await new ClassAgreement(ANT, () => true).agree(channel, idOf(ANT))
  assert.deepEqual(bodies, [])
  await new ClassAgreement(ANT, () => true).agree(channel, null)
  const other = new ClassAgreement(BEE, () => true)
  await other.agree(channel, idOf(ANT))
  assert.deepEqual(bodies, [ANT.bytes.length, 0])
  assert.deepEqual([names(other), other.id], [['ant', 'bee'], idOf(ANT)])
})

test('a worker whose folder lacks classes uses the list of the server, and never sends its own', async () => {
  const tooFew = () => {
    throw new DownpourError('LABELS_TOO_FEW', 'the data has 2 labels, spec.task.classes is 3')
  }
  const { channel, bodies } = serverWith(listOf('ant', 'bee', 'cat'))
  const agreement = new ClassAgreement(ANT, tooFew)
  await assert.rejects(agreement.agree(channel, null), { code: 'LABELS_TOO_FEW' })
  assert.deepEqual(bodies, [])
  await agreement.agree(channel, idOf(listOf('ant', 'bee', 'cat')))
  assert.deepEqual(names(agreement), ['ant', 'bee', 'cat'])
})

test('a worker whose list cannot be that of the job requests it, and sends nothing', async () => {
  const { channel, bodies } = serverWith(listOf('ant', 'bee', 'cat'))
  const agreement = new ClassAgreement(ANT, () => false)
  await agreement.agree(channel, null)
  assert.deepEqual([names(agreement), bodies], [['ant', 'bee', 'cat'], [0]])
})

test('a server that restarts with another list ends a worker that trained with the former one', async () => {
  const agreement = new ClassAgreement(BEE, () => true)
  await agreement.agree(serverWith(ANT).channel, idOf(ANT))
  await agreement.agree(serverWith(ANT).channel, null)
  assert.deepEqual(names(agreement), ['ant', 'bee'], 'it offers the list of the job, not its own')
  await assert.rejects(agreement.agree(serverWith(BEE).channel, idOf(BEE)), { code: 'CLASSES_CHANGED' })
  await assert.rejects(agreement.agree(serverWith(BEE).channel, null), { code: 'CLASSES_CHANGED' })
})
