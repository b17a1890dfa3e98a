import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ensurePodPorts } from '../../../../src/local/kubelet/pod-ports.ts'
import { listenAt } from '../../../../src/support/listen.ts'

async function listening(t: TestContext, host: string): Promise<number> {
  const server = createServer()
  t.after(() => server.close())
  return listenAt(server, host, 0)
}

test('a program that listens on a port of pods at all addresses is refused, with what to do', async (t) => {
  const port = await listening(t, '0.0.0.0')
  await assert.rejects(ensurePodPorts([port]), {
    code: 'POD_PORT_TAKEN',
    message: new RegExp(`another program listens on port ${port} of all addresses.*stop the program`),
  })
})

test('a program that listens on that port of one address is no obstacle', async (t) => {
  await ensurePodPorts([await listening(t, '127.0.0.1')])
})

test('the check leaves the ports free', async (t) => {
  const port = await listening(t, '127.0.0.1')
  await ensurePodPorts([port])
  await ensurePodPorts([port])
})
