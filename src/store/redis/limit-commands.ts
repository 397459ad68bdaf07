import type { Command } from 'ioredis'
import type { RedisClient } from './connect-redis.ts'

/** Every command of the client fails when it takes longer than `timeoutMs`. ioredis' own limit would take a Redis for silent whose
 *  answer lies in the socket, since timers come before reads when this process was busy itself: what came is read first. */
export function limitCommands<Client extends RedisClient>(client: Client, timeoutMs: number): Client {
  const send = client.sendCommand.bind(client)
  client.sendCommand = (command: Command, ...rest: unknown[]) => {
    const timer = setTimeout(() => setImmediate(giveUp, command), timeoutMs)
    const settled = () => clearTimeout(timer)
    command.promise.then(settled, settled)
    return send(command, ...(rest as []))
  }
  return client
}

function giveUp(command: Command): void {
  if (!command.isResolved) command.reject(new Error('Command timed out'))
}
