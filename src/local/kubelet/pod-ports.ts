/** Pods listen on the same ports, each at its own loopback address: a program that listens at all addresses excludes them. */
import { createServer } from 'node:net'
import { PORTS } from '../../contract/runtime.ts'
import { DownpourError, errorCode } from '../../support/errors.ts'
import { listenAt } from '../../support/listen.ts'
import { ADDRESSES, addressAt } from './addresses.ts'

/** Given to a pod after millions of others. Runs that start at the same time try addresses of their own. */
const UNUSED = addressAt(ADDRESSES - 1 - (process.pid % 100_000))

/** @throws DownpourError POD_PORT_TAKEN */
export async function ensurePodPorts(ports: readonly number[] = Object.values(PORTS)): Promise<void> {
  for (const port of ports) {
    const server = createServer()
    await listenAt(server, UNUSED, port).catch((error) => {
      if (errorCode(error) !== 'PORT_TAKEN') throw error
      throw new DownpourError('POD_PORT_TAKEN', takenText(port), { port }, { cause: error })
    })
    await new Promise((closed) => server.close(closed))
  }
}

function takenText(port: number): string {
  const known = port === PORTS.http ? ' (for the Prometheus of Debian: sudo systemctl disable --now prometheus)' : ''
  return `another program listens on port ${port} of all addresses, and every pod needs that port at its own: stop the program${known}, or let it listen on 127.0.0.1 alone; \`ss -ltnp\` shows it`
}
