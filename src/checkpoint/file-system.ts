import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'

/** The part of node:fs/promises that checkpoints are written with; tests pass one that fails at a chosen call. */
export type FileSystem = Pick<
  typeof fs,
  'open' | 'rename' | 'unlink' | 'mkdir' | 'readdir' | 'readFile' | 'stat' | 'rm'
>

export const realFileSystem: FileSystem = fs

/** To read by: a pipe in a file's place is read as empty, where a plain `r` would wait for a writer for ever. */
export const READ = constants.O_RDONLY | constants.O_NONBLOCK
