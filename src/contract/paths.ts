import { z } from 'zod'

/** A path segment other than `..`. Written without a lookahead, because the API server's regular expressions (RE2) have none. */
const SEGMENT = String.raw`(\.|\.?[A-Za-z0-9_-][A-Za-z0-9._-]*|\.\.[A-Za-z0-9._-]+)`

export const innerPath = z
  .string()
  .max(512)
  .regex(
    new RegExp(`^${SEGMENT}(/${SEGMENT})*$`),
    'a relative path inside the volume, without ".." (letters, digits, ".", "_", "-", "/")',
  )
