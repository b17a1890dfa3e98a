/** The JSON file by which pods find each other: host name → address. See src/support/hosts.ts. */
import { rename, writeFile } from 'node:fs/promises'
import type { Stored } from '../store/objects.ts'

export class HostsFile {
  readonly path: string
  readonly #hosts = new Map<string, string>()
  #written: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.path = path
  }

  /** Forgets the addresses of a former run. */
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

  /** A successor may have the name by now, with an address of its own: that one stays. */
  async withdraw(pod: Stored, address: string): Promise<void> {
    const host = hostOf(pod)
    if (!host || this.#hosts.get(host) !== address) return
    this.#hosts.delete(host)
    await this.#write()
  }

  /** One write at a time; one that fails is the caller's to know and does not stop the next. */
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
