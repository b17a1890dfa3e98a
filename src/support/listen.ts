import type { AddressInfo, Server } from 'node:net'
import { DownpourError, errorCode } from './errors.ts'

/**
 * @param host undefined: all addresses
 * @returns the port; for 0 the system chooses one. @throws DownpourError PORT_TAKEN, PORT_REFUSED
 */
export async function listenAt(server: Server, host: string | undefined, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(portError(host, port, error)))
    server.listen(port, host, resolve)
  })
  return (server.address() as AddressInfo).port
}

function portError(host: string | undefined, port: number, cause: Error): DownpourError {
  const isTaken = errorCode(cause) === 'EADDRINUSE'
  const [code, problem] = isTaken ? ['PORT_TAKEN', 'is in use'] : ['PORT_REFUSED', `cannot be used: ${cause.message}`]
  return new DownpourError(code, `${host ?? '*'}:${port} ${problem}`, { host, port }, { cause })
}
