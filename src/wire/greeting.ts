/** How a connection begins, seen from the end that calls. */
import { storedVariable } from '../support/variables.ts'
import type { Channel } from './channel.ts'
import type { ModelLayout } from './layout.ts'
import type { Message } from './messages.ts'

/** A hello must fit into this: it takes about 400 bytes. A layout may be larger; that of ResNet-152 takes 105 KB. */
export const MAX_HELLO_BYTES = 4096

/**
 * Says hello, and tells the model's layout where the parameter server asks for it: the first caller brings the model.
 * @returns `welcome` or `refused`. @throws DownpourError WIRE_CLOSED
 */
export async function sayHello(channel: Channel, hello: Message<'hello'>, layout: ModelLayout): Promise<Message> {
  const { message } = await channel.request(hello)
  if (message.type !== 'layoutWanted') return message
  return (await channel.request({ type: 'layout', variables: layout.variables.map(storedVariable) })).message
}
