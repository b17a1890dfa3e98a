/** A TCP proxy between a real client and a real server, which injects network faults on demand. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export type Direction = 'request' | 'response'

export interface TcpProxy {
  readonly port: number
  /** Target of new connections; tests change it when the server restarts on another port. */
  target: number
  /** Number of connections so far. */
  readonly accepted: number
  /** Number of connections that were closed after the server had sent data on them. */
  readonly broken: number
  /** Number of open connections on which the server has sent data. */
  readonly talking: number
  /** Resets (RST) all open connections. */
  cut(): void
  /** Drops all bytes in this direction, and the ends of connections, until `heal`. */
  blackhole(...directions: Direction[]): void
  /** Closes all connections after so many more bytes in this direction, even in the middle of a frame. */
  truncateAfter(bytes: number, direction: Direction): void
  /** Delays each chunk in this direction. */
  delay(ms: number, direction: Direction): void
  heal(): void
  close(): Promise<void>
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const upstreams = new Set<Socket>()
  const talking = () => [...upstreams].filter((socket) => socket.bytesRead > 0 && !socket.destroyed).length
  let lost = new Set<Direction>()
  let delays = new Map<Direction, number>()
  let allowance: { bytes: number; direction: Direction } | undefined
  const cut = () => {
    allowance = undefined
    proxy.broken += talking()
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const forward = (chunk: Buffer, to: Socket, direction: Direction) => {
    if (lost.has(direction) || to.destroyed) return
    if (allowance?.direction === direction) {
      const rest = allowance.bytes - chunk.length
      if (rest <= 0) return to.write(chunk.subarray(0, allowance.bytes), cut)
      allowance.bytes = rest
    }
    const ms = delays.get(direction) ?? 0
    if (ms > 0) setTimeout(() => to.writable && to.write(chunk), ms)
    else to.write(chunk)
  }
  const server: Server = createServer((client) => {
    proxy.accepted++
    const upstream = connect(proxy.target, '127.0.0.1')
    upstreams.add(upstream.on('close', () => upstreams.delete(upstream)))
    const pairs = [
      { from: client, to: upstream, direction: 'request' },
      { from: upstream, to: client, direction: 'response' },
    ] as const
    for (const { from, to, direction } of pairs) {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('data', (chunk) => forward(chunk, to, direction))
      from.on('error', () => lost.has(direction) || to.destroy())
      from.on('end', () => lost.has(direction) || to.end())
      from.on('close', () => sockets.delete(from) && (lost.has(direction) || to.destroy()))
    }
  })
  const proxy = {
    port: 0,
    target,
    accepted: 0,
    broken: 0,
    get talking() {
      return talking()
    },
    cut,
    blackhole(...directions: Direction[]) {
      lost = new Set(directions)
    },
    truncateAfter(bytes: number, direction: Direction) {
      allowance = { bytes, direction }
    },
    delay(ms: number, direction: Direction) {
      delays = new Map([[direction, ms]])
    },
    heal() {
      lost = new Set()
      delays = new Map()
      allowance = undefined
    },
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.port = (server.address() as AddressInfo).port
  return proxy
}
