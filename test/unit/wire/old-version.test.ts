/** Programs of two versions of the protocol refuse each other with a reason. The bytes were recorded from version 5. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { Channel } from '../../../src/wire/channel.ts'
import { encodeMessage, type Message } from '../../../src/wire/messages.ts'
import { crc32Of } from './crc32.ts'

const HELLO: Message<'hello'> = {
  type: 'hello',
  role: 'worker',
  index: 3,
  podUid: 'pod-3',
  attempt: 0,
  restored: null,
  jobUid: 'job-uid',
  shard: 0,
  shards: 1,
  layoutHash: 'hash',
  dataUnits: 4,
  classes: null,
}
/** The same hello, and a push with a body of four values. */
const OLD_HELLO =
  'RFdOUAUAAQABAAAAoQAAAAAAAADWhReT5Bvu1AAAAAB7InJvbGUiOiJ3b3JrZXIiLCJpbmRleCI6MywicG9kVWlkIjoicG9kLTMiLCJhdHRlbXB0IjowLCJyZXN0b3JlZCI6bnVsbCwiam9iVWlkIjoiam9iLXVpZCIsInNoYXJkIjowLCJzaGFyZHMiOjEsImxheW91dEhhc2giOiJoYXNoIiwiZGF0YVVuaXRzIjo0LCJjbGFzc2VzIjpudWxsfQ=='
const OLD_PUSH =
  'RFdOUAUABwACAAAAWwAAABAAAACNQ/kixZymGQAAAAB7InNlcSI6MSwiaW5jYXJuYXRpb24iOjc3LCJiYXNlVmVyc2lvbiI6MCwibG9zcyI6MSwiZXhhbXBsZXMiOjEsImJhdGNoZXMiOjEsImdsb2JhbFN0ZXAiOjB9AACAPwAAAEAAAEBAAACAQA=='
/** What a server of version 5 answered to a hello of version 6. */
const OLD_REFUSAL =
  'RFdOUAUAEgAAAAAAewAAAAAAAADauryFl+eGmAAAAAB7ImNvZGUiOiJGUkFNRV9CQURfVkVSU0lPTiIsIm1lc3NhZ2UiOiJ0aGUgcGVlciB1c2VzIHByb3RvY29sIHZlcnNpb24gNiwgdGhpcyBwcm9jZXNzIHZlcnNpb24gNTsgdGhlIGNvbm5lY3Rpb24gaXMgY2xvc2VkIn0='
const QUIET = { heartbeatMs: 10_000, silenceMs: 20_000, onMessage: () => {} }

/** The version of a head, as version 5 read it: it accepted no other value in the last four bytes than zero. */
function versionForOldReader(head: Buffer): number {
  assert.equal(head.toString('latin1', 0, 4), 'DWNP')
  assert.equal(head.readUInt32LE(20), crc32Of(head.subarray(0, 20)))
  assert.equal(head.readUInt32LE(28), 0)
  return head.readUInt16LE(4)
}

describe('between versions of the protocol', { concurrency: false }, () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function listen(onSocket: Parameters<typeof createServer>[1]): Promise<number> {
    const server = createServer(onSocket).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => server.close())
    return (server.address() as AddressInfo).port
  }

  for (const [what, recorded] of Object.entries({ hello: OLD_HELLO, push: OLD_PUSH }))
    test(`an old ${what} is refused with both versions`, async () => {
      const failures: Promise<Error | undefined>[] = []
      const port = await listen((socket) => void failures.push(Channel.accept(socket, QUIET).closed))
      const chunks: Buffer[] = []
      const old = connect(port, '127.0.0.1')
      old.on('data', (chunk) => chunks.push(chunk))
      old.write(Buffer.from(recorded, 'base64'))
      await once(old, 'close')
      const answer = Buffer.concat(chunks)
      assert.equal(versionForOldReader(answer), 6, 'so that the old program can report it')
      assert.match(answer.toString(), /FRAME_BAD_VERSION.*protocol version 5, this process version 6/)
      assert.match(String(await failures[0]), /protocol version 5, this process version 6/)
    })

  test('a hello says its version to an old server, and its refusal names both', async () => {
    const heard: Buffer[] = []
    const port = await listen((socket) => {
      socket.once('data', (bytes) => {
        heard.push(bytes)
        socket.end(Buffer.from(OLD_REFUSAL, 'base64'))
      })
      socket.on('error', () => {})
    })
    const channel = await Channel.connect({ host: '127.0.0.1', port }, QUIET)
    closers.push(() => channel.destroy())
    await assert.rejects(channel.request(HELLO), { code: 'WIRE_CLOSED' })
    assert.match(String(await channel.closed), /protocol version 5, this process version 6/)
    assert.equal(versionForOldReader(Buffer.concat(heard)), 6)
    assert.deepEqual(heard[0]?.subarray(32), encodeMessage(HELLO, 1).subarray(32), 'and the rest is as before')
    assert.deepEqual(heard[0]?.subarray(32), Buffer.from(OLD_HELLO, 'base64').subarray(32))
  })
})
