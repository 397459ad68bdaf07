import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { parseClientHello, peekClientHello } from './client-hello.ts'

/** What a client sends first, and what is left of it for a TLS server. */
async function peek(dial: (port: number) => Socket) {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = dial((server.address() as AddressInfo).port).on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  onTestFinished(() => {
    client.destroy()
    socket.destroy()
    server.close()
  })
  return { hello: await peekClientHello(socket), socket }
}

const hello = { ciphers: expect.arrayContaining([0x1301]), extensions: expect.arrayContaining([43]) }

test('a ClientHello is read and put back', async () => {
  const dial = (port: number) => connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['h2', 'spdy'] })
  const { hello: read, socket } = await peek(dial)
  expect(read).toEqual({ ...hello, alpn: ['h2', 'spdy'] })
  expect(parseClientHello(socket.read())).toEqual(read)
})

test('it may come in pieces', async () => {
  const whole = (await peek((port) => connectTls({ port, host: '127.0.0.1' }))).socket.read() as Buffer
  const { hello: read, socket } = await peek((port) => {
    const client = connect({ port, host: '127.0.0.1', noDelay: true })
    client.write(whole.subarray(0, 3), () =>
      setImmediate(() => client.write(whole.subarray(3, 100), () => client.write(whole.subarray(100)))),
    )
    return client
  })
  expect(read).toEqual({ ...hello, alpn: [] })
  expect(socket.read()).toEqual(whole)
})

test('anything else is none', async () => {
  const say = (bytes: string | Buffer) => (port: number) => connect({ port, host: '127.0.0.1' }).end(bytes)
  expect((await peek(say('GET / HTTP/1.1\r\n\r\n'))).hello).toBeUndefined()
  expect((await peek(say(Buffer.from([22, 3, 1])))).hello).toBeUndefined()
  expect((await peek(say(Buffer.from([22, 3, 1, 0, 2, 1, 0])))).hello).toBeUndefined()
})
