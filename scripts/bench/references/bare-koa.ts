// Koa in, undici out, nothing else: what the service's own parts cost without it.
// Usage: node bare-koa.ts PORT SITE

import { createRequire } from 'node:module'
import Koa from 'koa'
import { askHeaders, askPath, translate } from './translate.ts'

interface Dispatcher {
  dispatch(
    request: object,
    handler: {
      onRequestStart(controller: { abort(reason: Error): void }): void
      onResponseStart(): void
      onResponseData(controller: unknown, piece: Buffer): void
      onResponseEnd(): void
      onResponseError(): void
    },
  ): boolean
}

// It may be a tool of the bench alone, of which the compiler knows nothing.
const { Pool } = createRequire(import.meta.url)('undici') as { Pool: new (origin: string) => Dispatcher }
const [, , port, site = ''] = process.argv
const pool = new Pool(site)

const app = new Koa()
app.use(async (context) => {
  const pieces: Buffer[] = []
  for await (const piece of context.req) pieces.push(piece)
  const translation = translate(Buffer.concat(pieces))
  context.respond = false
  context.status = 200
  context.type = translation.contentType
  const { res: response } = context
  pool.dispatch(
    { method: 'POST', path: askPath, headers: askHeaders, body: translation.upstreamBody },
    {
      onRequestStart(controller) {
        response.on('close', () => {
          if (!response.writableFinished) controller.abort(new Error('the client left'))
        })
      },
      onResponseStart() {},
      onResponseData(_controller, piece) {
        const text = translation.push(piece)
        if (text) response.write(text)
      },
      onResponseEnd: () => void response.end(translation.end()),
      onResponseError: () => void response.destroy(),
    },
  )
})
app.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
