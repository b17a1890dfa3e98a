/**
 * Ends the pods when this process dies without goodbye (SIGKILL, a crash, an out-of-memory kill): a shell that reads
 * from a pipe which only we hold open. Each line is the list of process groups; the end of the pipe is our end.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { errorMessage } from '../../support/errors.ts'
import type { Log } from '../../support/log.ts'

/** SIGTERM, so that parameter servers save; then a limit, as nobody waits for them any more. */
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

  /** One that was killed is replaced: without it, pods would outlive us. */
  #start(): ChildProcess {
    // A session of its own: what ends ours, from the terminal or by group, must not end it first.
    const shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    shell.on('error', (error) => this.#log.warn({ error: errorMessage(error) }, 'pods may outlive a crash'))
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
