import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'

/** The part of node:fs/promises that checkpoints use. Tests pass one that fails at a chosen call. */
export type FileSystem = Pick<
  typeof fs,
  'open' | 'rename' | 'unlink' | 'mkdir' | 'readdir' | 'readFile' | 'stat' | 'rm'
>

export const realFileSystem: FileSystem = fs

/** Flags for reading. With a plain `r` a named pipe in place of a file would block for ever; with these it is empty. */
export const READ = constants.O_RDONLY | constants.O_NONBLOCK
