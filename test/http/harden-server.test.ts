import { once } from 'node:events'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { startApp } from './support/start-app.ts'

async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return readText(socket)
}

describe('hardenServer', () => {
  it.each([
    ['HELLO\r\n\r\n', 400],
    ['GET / HTTP/9.9\r\n\r\n', 400],
    ['GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('C1: answers %.30j in the one shape', async (bytes, status) => {
    const { port } = await startApp()
    const reply = await exchange(port, bytes)
    const [head, body] = reply.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head).toMatch(/x-request-id: [\da-f-]{36}/)
    expect(head).toContain('Content-Type: application/json')
    expect(JSON.parse(body ?? '')).toEqual({
      error: {
        message: 'The request is not valid HTTP.',
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_value',
      },
    })
  })

  it('C1: ignores an expectation that it does not know', async () => {
    const { port } = await startApp()
    const reply = await exchange(
      port,
      'GET /livez HTTP/1.1\r\nHost: x\r\nExpect: cake\r\nConnection: close\r\n\r\n',
    )
    expect(reply).toMatch(/^HTTP\/1\.1 200 /)
    expect(reply).toMatch(/x-request-id: [\da-f-]{36}/)
  })

  it('writes nothing into a connection that has been answered before', async () => {
    const { port } = await startApp()
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
    socket.write('HELLO\r\n\r\n')
    expect(await readText(socket)).toBe('')
  })
})
