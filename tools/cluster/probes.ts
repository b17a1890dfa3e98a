/** Health checks: each rejects until its target answers 200. */
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { certificateFile, keyFile } from './certificates.ts'

const TIMEOUT_MS = 2000

export function httpProbe(url: string): () => Promise<void> {
  return () => answers200(httpRequest(url, { timeout: TIMEOUT_MS }))
}

/** Accepts any certificate: these components serve on the loopback address with self-signed ones. */
export function selfSignedProbe(url: string): () => Promise<void> {
  return () => answers200(httpsRequest(url, { timeout: TIMEOUT_MS, rejectUnauthorized: false }))
}

/** Sends the request as the administrator and trusts only the cluster's certificate authority. */
export function apiServerProbe(url: string): () => Promise<void> {
  return () => {
    const ca = readFileSync(certificateFile('ca'))
    const identity = { cert: readFileSync(certificateFile('admin')), key: readFileSync(keyFile('admin')) }
    return answers200(httpsRequest(url, { timeout: TIMEOUT_MS, agent: false, ca, ...identity }))
  }
}

function answers200(request: ReturnType<typeof httpRequest>): Promise<void> {
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('timeout', () => request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)))
    request.once('response', (response) => {
      response.resume()
      if (response.statusCode === 200) resolve()
      else reject(new Error(`HTTP ${response.statusCode}`))
    })
    request.end()
  })
}
