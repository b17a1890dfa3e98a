import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY, encodeFrame, type Frame, FrameDecoder } from '../../../src/wire/frames.ts'
import {
  assertLength,
  decodeMessage,
  encodeMessage,
  MAX_PUSHES,
  type Message,
  typeCode,
} from '../../../src/wire/messages.ts'

function frameOf(bytes: Buffer): Frame {
  const frames: Frame[] = []
  new FrameDecoder({ body: () => EMPTY, frame: (frame) => frames.push(frame) }).feed(bytes)
  return frames[0] as Frame
}

const raw = (type: number, header: string) => frameOf(encodeFrame(type, 1, header))

test('a decoded message equals the encoded one', () => {
  const message: Message = {
    type: 'push',
    seq: 3,
    incarnation: 9,
    baseVersion: 7,
    loss: null,
    examples: 32,
    batches: 1,
    globalStep: 0,
  }
  assert.deepEqual(decodeMessage(frameOf(encodeMessage(message, 1))), message)
})

test('an unknown type is refused', () => {
  assert.throws(() => decodeMessage(raw(999, '{}')), { code: 'FRAME_UNKNOWN_TYPE' })
  assert.throws(() => decodeMessage(raw(0, '{}')), { code: 'FRAME_UNKNOWN_TYPE' })
})

test('a header that is not JSON, or has a missing, unknown or invalid field, is refused', () => {
  const good = '"seq":1,"incarnation":1,"baseVersion":1,"loss":1'
  for (const header of ['', 'nonsense', '[]', 'null', '{}', `{${good}}`, `{${good},"examples":-1}`])
    assert.throws(() => decodeMessage(raw(typeCode('push'), header)), { code: 'FRAME_BAD_HEADER' }, header)
  assert.throws(() => decodeMessage(raw(typeCode('push'), `{${good},"examples":1,"admin":true}`)), {
    code: 'FRAME_BAD_HEADER',
    message: /admin/,
  })
})

test('numbers beyond any real job are refused, because a checkpoint with them could not be restored', () => {
  const push = (seq: number): Message => ({
    type: 'push',
    seq,
    incarnation: 1,
    baseVersion: 1,
    loss: 1,
    examples: 1,
    batches: 1,
    globalStep: 0,
  })
  const ids = { podUid: 'a', attempt: 0, restored: null, jobUid: 'b', shard: 0, shards: 1, layoutHash: 'h' }
  const hello = (index: number): Message => ({
    type: 'hello',
    role: 'worker',
    index,
    ...ids,
    dataUnits: 1,
    classes: null,
  })
  for (const right of [push(MAX_PUSHES), hello(9999)]) decodeMessage(frameOf(encodeMessage(right, 1)))
  for (const wrong of [push(MAX_PUSHES + 1), push(2 ** 53), hello(10_000), { ...hello(0), podUid: '' } as Message])
    assert.throws(() => decodeMessage(frameOf(encodeMessage(wrong, 1))), { code: 'FRAME_BAD_HEADER' })
})

test('a header cannot change a prototype', () => {
  const hostile = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
  for (const type of ['heartbeat', 'lease', 'snapshotTaken'] as const)
    assert.throws(() => decodeMessage(raw(typeCode(type), hostile)), { code: 'FRAME_BAD_HEADER' })
  const taken = decodeMessage(raw(typeCode('snapshotTaken'), `{"record":${hostile}}`)) as Message<'snapshotTaken'>
  assert.equal((taken.record as { polluted?: unknown }).polluted, undefined)
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})

test('a body of another length than expected is refused', () => {
  assertLength(new Uint8Array(8), 8)
  assert.throws(() => assertLength(new Uint8Array(7), 8), {
    code: 'FRAME_BAD_BODY',
    message: 'a body has 7 bytes, expected 8',
  })
})
