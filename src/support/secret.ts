/** A secret key that the processes of one user share through a file. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DownpourError, errorMessage } from './errors.ts'

const MIN_CHARACTERS = 32

/** Compares in constant time, so that the time of a refusal reveals nothing about the secret. Hashes first, because `timingSafeEqual` needs equal lengths. */
export function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}

/** @param file undefined: no secret is used. @throws DownpourError CONFIG_INVALID */
export function readSecret(file: string | undefined): string | undefined {
  if (!file) return undefined
  const secret = textOf(file).trim()
  if (secret.length >= MIN_CHARACTERS) return secret
  throw new DownpourError(
    'CONFIG_INVALID',
    `the key file ${file} must hold a key of at least ${MIN_CHARACTERS} characters`,
    { file },
  )
}

/** Removes an existing file first, because writing to it would keep its mode. `wx` fails if another process creates the file in between. */
export function writeSecret(file: string, secret: string): void {
  rmSync(file, { force: true })
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' })
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const message = `the key file ${file} cannot be read: ${errorMessage(cause)}`
    throw new DownpourError('CONFIG_INVALID', message, { file }, { cause })
  }
}
