/** The handshake of the calling end. */
import { storedVariable } from '../support/variables.ts'
import type { Channel } from './channel.ts'
import type { ModelLayout } from './layout.ts'
import type { Message } from './messages.ts'

/** Limit of a hello, which has about 400 bytes. A layout may be larger: that of ResNet-152 has 105 KB. */
export const MAX_HELLO_BYTES = 4096

/**
 * Sends a hello, and the model's layout if the parameter server asks for it, which it does until it knows the model.
 * @returns `welcome` or `refused`. @throws DownpourError WIRE_CLOSED
 */
export async function sayHello(channel: Channel, hello: Message<'hello'>, layout: ModelLayout): Promise<Message> {
  const { message } = await channel.request(hello)
  if (message.type !== 'layoutWanted') return message
  return (await channel.request({ type: 'layout', variables: layout.variables.map(storedVariable) })).message
}
