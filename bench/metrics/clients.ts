/**
 * `node clients.ts COUNT`: clients of the addresses that its parent sends as a message; an empty list stops them. Half of
 * them read an answer every 15 seconds, as Prometheus does. The others never read: they ask again as soon as they are cut.
 */
import { type ClientRequest, request } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface Address {
  readonly host: string
  readonly port: number
  readonly key: string
}

const EVERY_MS = 15_000
/** Not the address of the probes and of Prometheus: when there are too many connections, one of these is closed. */
const FROM = '127.0.0.77'
const count = Number(process.argv[2])
let addresses: readonly Address[] = []
const open = new Set<Socket>()

function read(nth: number): void {
  const address = addresses[nth % addresses.length]
  if (!address) return
  const { host, port, key } = address
  const asking: ClientRequest = request({
    host,
    port,
    path: '/metrics',
    localAddress: FROM,
    agent: false,
    headers: { authorization: `Bearer ${key}` },
  })
  asking.on('response', (response) => response.resume())
  asking.on('error', () => {})
  asking.end()
}

function neverRead(nth: number): void {
  const address = addresses[nth % addresses.length]
  if (!address) return
  const { host, port, key } = address
  const socket = connect({ host, port, localAddress: FROM })
  open.add(socket)
  socket.on('connect', () => socket.write(`GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n\r\n`))
  socket.on('error', () => {})
  // Without a listener for data nothing is read, so only a further write finds out that the connection is gone.
  const timer = setInterval(() => socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'), EVERY_MS)
  socket.on('close', () => {
    clearInterval(timer)
    open.delete(socket)
    setTimeout(neverRead, EVERY_MS, nth)
  })
}

let timers: NodeJS.Timeout[] = []
function stop(): void {
  for (const timer of timers) clearInterval(timer)
  for (const socket of open) socket.destroy()
  timers = []
}

process.on('message', (wanted: readonly Address[]) => {
  stop()
  addresses = wanted
  for (let nth = 0; nth < (addresses.length > 0 ? count : 0); nth++) {
    const begin = nth % 2 === 0 ? read : neverRead
    // Not all at the same moment.
    timers.push(setTimeout(begin, (EVERY_MS * nth) / count / 5, nth))
    if (begin === read) timers.push(setInterval(read, EVERY_MS, nth))
  }
})
process.on('disconnect', () => process.exit())
