import { lookup as dnsLookup } from 'node:dns'
import { readFile } from 'node:fs/promises'
import { isIP, type LookupFunction } from 'node:net'

/**
 * DNS for pods that are processes: a JSON file `{ "job-ps-0.job.default.svc": "127.77.0.3" }` that the local kubelet
 * keeps, read anew at each look-up because a replaced pod has a new address. Names not in it go to the system.
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
