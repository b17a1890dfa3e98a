export interface Endpoint {
  host: string
  port: number
}

/** `host` or `host:port`. */
export function endpointOf(text: string, defaultPort: number): Endpoint {
  const [host = '', port] = text.split(':')
  return { host, port: port === undefined ? defaultPort : Number(port) }
}
