// A pod's process for tests. The first argument selects what it does.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [verb, ...args] = process.argv.slice(2)
const stay = () => setInterval(() => {}, 1000)
const verbs = {
  stay,
  obey() {
    process.on('SIGTERM', () => process.exit(143))
    stay()
  },
  defy() {
    process.on('SIGTERM', () => console.log('no'))
    console.log('ready')
    stay()
  },
  exit() {
    writeFileSync(process.env.DOWNPOUR_TERMINATION_LOG, `${args[1] ?? ''}`)
    process.exit(Number(args[0]))
  },
  die() {
    process.kill(process.pid, args[0])
    stay()
  },
  print() {
    for (const line of args) console.log(line)
    stay()
  },
  environment() {
    console.log(JSON.stringify({ data: process.env.DATA, ip: process.env.IP, leak: process.env.LEAK }))
    stay()
  },
  parent() {
    console.log(spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).pid)
    stay()
  },
  serve() {
    let ready = false
    const server = createServer((request, response) => {
      if (request.url === '/flip') ready = !ready
      response.writeHead(ready ? 200 : 503).end()
    })
    server.listen(9090, process.env.IP)
  },
}
verbs[verb]()
