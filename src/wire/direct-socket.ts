/** Sockets that read into buffers of the program (`onread`), so that a large body is received without a copy. */
import { Socket } from 'node:net'

export interface DirectReads {
  /** Where the next read puts its bytes. Called before each read. */
  buffer(): Uint8Array
  /** Called after each read, with its number of bytes. */
  callback(bytes: number): true
}

/** A socket that is not connected yet. */
export function directSocket(onread: DirectReads): Socket {
  return createSocket({ onread })
}

/**
 * Continues an accepted connection on a socket that reads directly. Node offers `onread` for outgoing connections alone, so
 * this takes the private handle of the accepted socket. Call it in the `connection` event.
 * @returns undefined if this version of Node keeps the handle elsewhere; the accepted socket is then unchanged
 */
export function takeOver(accepted: Socket, onread: DirectReads): Socket | undefined {
  const owner = accepted as unknown as { _handle?: { useUserBuffer?: unknown } | null }
  const handle = owner._handle
  if (typeof handle?.useUserBuffer !== 'function') return undefined
  owner._handle = null
  // Without a handle this ends the object only, and the server stops counting it.
  accepted.destroy()
  const socket = createSocket({ handle, onread, readable: true, writable: true })
  socket.resume()
  return socket
}

/** The types know neither `handle` nor that `onread.buffer` may be a function. */
function createSocket(options: object): Socket {
  return new Socket(options as ConstructorParameters<typeof Socket>[0])
}
