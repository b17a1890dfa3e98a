import { lookup as dnsLookup } from 'node:dns'
import { readFile } from 'node:fs/promises'
import { isIP, type LookupFunction } from 'node:net'

/**
 * DNS for pods that are processes: the local kubelet writes a JSON file `{ "job-ps-0.job.default.svc": "127.77.0.3" }`.
 * Each lookup reads the file again, because a replaced pod has a new address. Other names go to the system's resolver.
 */
export function hostsLookup(hostsFile: string | undefined): LookupFunction {
  if (!hostsFile) return dnsLookup as LookupFunction
  return (hostname, options, callback) => {
    readFile(hostsFile, 'utf8').then(
      (text) => {
        const address = (JSON.parse(text) as Record<string, string>)[hostname]
        if (!address) return (dnsLookup as LookupFunction)(hostname, options, callback)
        const family = isIP(address)
        if (options.all) callback(null, [{ address, family }])
        else callback(null, address, family)
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    )
  }
}
