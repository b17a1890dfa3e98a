/** A process whose steps take no time: it receives weights, and sends its gradient, through a Unix socket. */
import { Socket } from 'node:net'
import { VALUES } from './model.ts'

const socket = new Socket({ fd: 3 })
const gradient = Buffer.from(new Float32Array(VALUES).fill(0.5).buffer)
const weights = Buffer.alloc(gradient.length)
let received = 0
socket.on('data', (chunk) => {
  weights.set(chunk, received)
  received += chunk.length
  if (received < weights.length) return
  received = 0
  socket.write(gradient)
})
socket.on('end', () => process.exit())
