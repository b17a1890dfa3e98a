import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { listenAt } from '../../../src/support/listen.ts'

test('the error names a port that is in use, for one address and for all', async () => {
  for (const host of ['127.0.0.1', undefined]) {
    const [first, second] = [createServer(), createServer()]
    const port = await listenAt(first, host, 0)
    assert.ok(port > 0)
    await assert.rejects(listenAt(second, host, port), {
      code: 'PORT_TAKEN',
      message: `${host ?? '*'}:${port} is in use`,
    })
    first.close()
    await once(first, 'close')
  }
})

test('an unusable address is refused with the reason of the system', async () => {
  await assert.rejects(listenAt(createServer(), '203.0.113.1', 0), {
    code: 'PORT_REFUSED',
    message: /^203\.0\.113\.1:0 cannot be used: .*EADDRNOTAVAIL/,
  })
})
