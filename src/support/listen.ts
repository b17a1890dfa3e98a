import type { AddressInfo, Server } from 'node:net'
import { DownpourError } from './errors.ts'

/**
 * @param host undefined: every address
 * @returns the port, which is chosen by the system for 0. @throws DownpourError PORT_TAKEN, or what listening threw
 */
export async function listenAt(server: Server, host: string | undefined, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portTaken(host, port, error) : error)
    })
    server.listen(port, host, resolve)
  })
  return (server.address() as AddressInfo).port
}

function portTaken(host: string | undefined, port: number, cause: Error): DownpourError {
  return new DownpourError('PORT_TAKEN', `${host ?? '*'}:${port} is in use`, { host, port }, { cause })
}
