import type { Config } from '../../config.ts'
import { version } from '../../core/version.ts'
import { originOf } from '../own-origin.ts'
import type { RequestContext } from '../request-state.ts'
import { sendJson } from '../send-json.ts'

/** JSON for a program, a page for a person. Claude Code sends `HEAD /` at its start and waits for any answer. */
export function createHomeHandler(config: Config) {
  return (context: RequestContext): void => {
    context.vary('Accept')
    if (context.accepts('json', 'html') !== 'html')
      return sendJson(context, { name: 'genspark2api', version })
    context.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")
    context.type = 'html'
    context.body = page(`${originOf(context, config)}${config.routePrefix}`)
  }
}

/** @param base  holds no character that HTML reads: `own-origin` lets none through */
const page = (base: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>genspark2api</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif }
  body { max-width: 40rem; margin: 12vh auto; padding: 0 1.25rem }
  h1 { margin: 0 0 .25rem; font-size: 1.75rem }
  h1 small { font-size: .9rem; font-weight: 400; opacity: .65 }
  dl { display: grid; grid-template-columns: auto 1fr; gap: .35rem 1.25rem; margin: 1.75rem 0 }
  dt { opacity: .7 }
  dd { margin: 0 }
  code { overflow-wrap: anywhere }
</style>
<h1>genspark2api <small>${version}</small></h1>
<p>It is running: an OpenAI-compatible API in front of the operator's own Genspark accounts.
<br><span lang="zh-CN">服务已启动：把运营者自己的 Genspark 账号变成兼容 OpenAI 的接口。</span></p>
<dl>
  <dt>Base URL · <span lang="zh-CN">接口地址</span></dt><dd><code>${base}/v1</code></dd>
  <dt>API key · <span lang="zh-CN">密钥</span></dt><dd><span>one of <code>API_SECRET</code></span></dd>
  <dt>Status · <span lang="zh-CN">状态</span></dt><dd><a href="${base}/readyz">/readyz</a></dd>
</dl>
</html>
`
