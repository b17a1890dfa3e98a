/**
 * The lower bound: a server that receives a body with `onread` into one buffer and acknowledges it with a byte, and answers a
 * byte with a body. Nothing is checked or computed.
 */
import { createServer, Socket } from 'node:net'
import { BODY_BYTES, spaceAt } from './model.ts'

const sink = Buffer.alloc(BODY_BYTES)
const weights = Buffer.alloc(BODY_BYTES, 7)

const server = createServer({ pauseOnConnect: true }, (accepted) => {
  // The public interface has no `onread` for accepted sockets.
  const owner = accepted as unknown as { _handle: unknown }
  const handle = owner._handle
  owner._handle = null
  accepted.destroy()
  let at = 0
  const received = (bytes: number) => {
    if (at === 0 && bytes === 1) return socket.write(weights)
    at += bytes
    if (at < BODY_BYTES) return
    at = 0
    socket.write('k')
  }
  const onread = {
    buffer: () => spaceAt(at, sink),
    callback: (bytes: number) => {
      received(bytes)
      return true
    },
  }
  const socket = new Socket({ handle, readable: true, writable: true, onread } as unknown as ConstructorParameters<
    typeof Socket
  >[0])
  socket.setNoDelay()
  socket.resume()
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }))
process.on('disconnect', () => process.exit())
