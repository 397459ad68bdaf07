import { type AgentOptions, type ClientRequest, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Agents } from 'got'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { LRUCache } from 'lru-cache'
import { SocksProxyAgent } from 'socks-proxy-agent'

export interface AgentPools {
  /** The pools of kept-alive connections over this proxy, one for http and one for https; undefined: straight to the site. */
  agents(proxyUrl: string | undefined): Agents
  close(): void
}

/** The proxy answered, but with a refusal. */
export class ProxyRefusal extends Error {
  readonly code = 'ERR_PROXY_REFUSAL'
  readonly status: number

  constructor(status: number) {
    super(`the proxy answered HTTP ${status}`)
    this.status = status
  }
}

/** More proxies than these at once forget the one used least recently. */
const maxProxies = 1_000

/** How long a proxy may take to open a connection; SOCKS has the same limit of its library. */
const handshakeMs = 30_000

const keepAlive: AgentOptions = { keepAlive: true }

/** Connections to the site, pooled by the proxy that they go over. Over none but it: a proxy that is dead is an error. */
export function createAgentPools(): AgentPools {
  const straight = { http: new HttpAgent(keepAlive), https: new HttpsAgent(keepAlive) }
  const proxied = new LRUCache<string, Agents>({ max: maxProxies, dispose: destroy })
  return {
    agents(proxyUrl) {
      if (proxyUrl === undefined) return straight
      const known = proxied.get(proxyUrl)
      if (known) return known
      const agents = createProxyAgents(proxyUrl)
      proxied.set(proxyUrl, agents)
      return agents
    },
    close() {
      destroy(straight)
      proxied.clear()
    },
  }
}

function destroy({ http, https }: Agents): void {
  if (http) http.destroy()
  if (https) https.destroy()
}

function createProxyAgents(proxyUrl: string): Agents {
  const url = new URL(proxyUrl)
  if (url.protocol.startsWith('socks')) {
    // With `h` names are looked up by the proxy: the look-up is part of what must not go around it.
    url.protocol = 'socks5h:'
    const agent = new SocksProxyAgent(url, keepAlive)
    return { http: agent, https: asHttps(agent) }
  }
  const tunnel = new TunnelAgent(url, keepAlive)
  tunnel.on('proxyConnect', (reply: { statusCode: number }, request: ClientRequest) => {
    if (reply.statusCode !== 200) request.destroy(new ProxyRefusal(reply.statusCode))
  })
  return { http: tunnel, https: asHttps(tunnel) }
}

/** Agents of this family serve both; got's type tells them apart by a field that is never read. */
const asHttps = (agent: HttpAgent): HttpsAgent => agent as HttpsAgent

/** A CONNECT tunnel, for an http site too: one way for both, and no request lies open to the proxy.
 *
 *  Closes the socket to a proxy that leaves it hanging: the library has no limit, and a request that is given up lets go of its
 *  socket only when it has one. The library reads `connectOpts` before it waits for the first time. */
class TunnelAgent extends HttpsProxyAgent<string> {
  override async connect(...given: Parameters<HttpsProxyAgent<string>['connect']>) {
    const handshake = new AbortController()
    const timer = setTimeout(() => handshake.abort(), handshakeMs)
    this.connectOpts = { ...this.connectOpts, signal: handshake.signal }
    try {
      return await super.connect(...given)
    } finally {
      clearTimeout(timer)
    }
  }
}
