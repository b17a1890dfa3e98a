/** Writes the JSON file of host names and addresses that pods resolve names with (src/support/hosts.ts). */
import { rename, writeFile } from 'node:fs/promises'
import type { Stored } from '../store/objects.ts'

export class HostsFile {
  readonly path: string
  readonly #hosts = new Map<string, string>()
  #written: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.path = path
  }

  /** Removes the addresses of a previous run. */
  reset(): Promise<void> {
    this.#hosts.clear()
    return this.#write()
  }

  async publish(pod: Stored, address: string): Promise<void> {
    const host = hostOf(pod)
    if (!host) return
    this.#hosts.set(host, address)
    await this.#write()
  }

  /** Keeps the name if a successor already has it with another address. */
  async withdraw(pod: Stored, address: string): Promise<void> {
    const host = hostOf(pod)
    if (!host || this.#hosts.get(host) !== address) return
    this.#hosts.delete(host)
    await this.#write()
  }

  /** Writes one at a time. A write that fails rejects for its caller and does not block the next. */
  #write(): Promise<void> {
    const write = async () => {
      await writeFile(`${this.path}.tmp`, JSON.stringify(Object.fromEntries(this.#hosts)), { mode: 0o600 })
      await rename(`${this.path}.tmp`, this.path)
    }
    this.#written = this.#written.then(write, write)
    return this.#written
  }
}

function hostOf({ spec, metadata }: Stored): string | undefined {
  const { hostname, subdomain } = (spec ?? {}) as { hostname?: string; subdomain?: string }
  return hostname && subdomain ? `${hostname}.${subdomain}.${metadata.namespace}.svc` : undefined
}
