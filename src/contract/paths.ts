import { z } from 'zod'

/** A path step that is not `..`, written without a lookahead, which the API server's expressions (RE2) do not have. */
const SEGMENT = String.raw`(\.|\.?[A-Za-z0-9_-][A-Za-z0-9._-]*|\.\.[A-Za-z0-9._-]+)`

export const innerPath = z
  .string()
  .max(512)
  .regex(
    new RegExp(`^${SEGMENT}(/${SEGMENT})*$`),
    'a relative path inside the volume, without ".." (letters, digits, ".", "_", "-", "/")',
  )
