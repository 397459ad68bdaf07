// The featureless translator: node:http in and out, no framework.
// Usage: node translator.ts PORT SITE

import { Agent, createServer, request } from 'node:http'
import { askHeaders, askPath, translate } from './translate.ts'

const [, , port, site = ''] = process.argv
const agent = new Agent({ keepAlive: true })

const server = createServer((incoming, response) => {
  const pieces: Buffer[] = []
  incoming.on('data', (piece: Buffer) => pieces.push(piece))
  incoming.on('end', () => {
    const translation = translate(Buffer.concat(pieces))
    const outgoing = request(
      site + askPath,
      {
        agent,
        method: 'POST',
        headers: { ...askHeaders, 'content-length': Buffer.byteLength(translation.upstreamBody) },
      },
      (reply) => {
        response.writeHead(200, { 'content-type': translation.contentType })
        reply.on('data', (piece: Buffer) => {
          const text = translation.push(piece)
          if (text) response.write(text)
        })
        reply.on('end', () => response.end(translation.end()))
        reply.on('error', () => response.destroy())
      },
    )
    outgoing.on('error', () => response.destroy())
    response.on('close', () => {
      if (!response.writableFinished) outgoing.destroy()
    })
    outgoing.end(translation.upstreamBody)
  })
})
server.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
