/**
 * Ends the pods when this process is killed or crashes: a shell reads lists of process groups from a pipe that only this
 * process holds open. When the kernel closes the pipe, the shell ends the groups of the last list.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { errorMessage } from '../../support/errors.ts'
import type { Log } from '../../support/log.ts'

/** Time between SIGTERM, which lets parameter servers save a checkpoint, and SIGKILL. */
const GRACE_SECONDS = 20
const SCRIPT = `
while read -r line; do groups=$line; done
[ -n "$groups" ] || exit 0
for group in $groups; do kill -s TERM -- "-$group"; done
left=${GRACE_SECONDS * 5}
while [ $left -gt 0 ]; do
  alive=
  for group in $groups; do kill -s 0 -- "-$group" && alive=yes; done
  [ -n "$alive" ] || exit 0
  sleep 0.2
  left=$((left - 1))
done
for group in $groups; do kill -s KILL -- "-$group"; done
`

export class Reaper {
  readonly #groups = new Set<number>()
  readonly #log: Log
  #shell: ChildProcess
  #closed = false

  constructor(log: Log) {
    this.#log = log
    this.#shell = this.#start()
  }

  /** Also replaces a shell that was killed: without one, pods would outlive this process. */
  #start(): ChildProcess {
    // Its own session: a signal to the terminal or to our process group must not end the shell before us.
    const shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    shell.on('error', (error) =>
      this.#log.warn({ error: errorMessage(error) }, 'the reaper failed; pods may outlive a crash'),
    )
    shell.stdin?.on('error', () => {})
    shell.once('exit', () => this.#replace())
    shell.unref()
    return shell
  }

  #replace(): void {
    if (this.#closed) return
    this.#shell = this.#start()
    this.#sendGroups()
  }

  /** @param pid the leader of the group */
  watch(pid: number): void {
    this.#groups.add(pid)
    this.#sendGroups()
  }

  forget(pid: number): void {
    this.#groups.delete(pid)
    this.#sendGroups()
  }

  close(): void {
    this.#closed = true
    this.#groups.clear()
    this.#sendGroups()
    this.#shell.stdin?.end()
  }

  #sendGroups(): void {
    this.#shell.stdin?.write(`${[...this.#groups].join(' ')}\n`)
  }
}
