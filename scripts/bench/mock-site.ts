// The site for benches, as a process of its own: canned bytes over plain sockets, so that it is never the bottleneck.
// It speaks the site's agent wire, and OpenAI's for the peers that know no other.
// GET /bench/state tells what it has seen.

import { createServer, type Socket } from 'node:net'
import { type AnswerPlan, parsePlan, tokenText } from './answer-plan.ts'
import { createMessageReader } from './read-http.ts'

export interface MockState {
  /** Answers that are not yet whole. */
  readonly open: number
  readonly asks: number
  /** Of them, by the session that asked. */
  readonly asksOf: Readonly<Record<string, number>>
  /** By process.hrtime, which all processes of a machine share. */
  readonly lastClosedNs: string
}

interface Recording {
  readonly lead: Buffer
  /** The tokens, write by write. */
  readonly writes: readonly Buffer[]
  readonly end: Buffer
  readonly whole: Buffer
}

interface Stream {
  readonly socket: Socket
  readonly recording: Recording
  readonly periodMs: number
  sent: number
}

const sseHead =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n'
const tickMs = 2

const recordings = new Map<string, Recording>()
const streams = new Map<Socket, Stream>()
/** Streams by the tick in which their next write is due. */
const due = new Map<number, Stream[]>()
let dense: Stream[] = []
let tick = 0
let asks = 0
const asksOf: Record<string, number> = {}
let lastClosedNs = 0n

const server = createServer((socket) => {
  socket.setNoDelay(true)
  let head = ''
  let pieces: Buffer[] = []
  const read = createMessageReader({
    head: (text) => {
      head = text
    },
    body: (piece) => void pieces.push(piece),
    end: () => {
      const body = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
      pieces = []
      answer(socket, head, body)
    },
  })
  socket.on('data', read)
  socket.on('error', () => {})
  socket.on('close', () => {
    if (streams.delete(socket)) lastClosedNs = process.hrtime.bigint()
  })
})
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') console.log(`listening on http://127.0.0.1:${address.port}`)
})
setInterval(sendDue, tickMs)
process.once('SIGTERM', () => process.exit(0))

function answer(socket: Socket, head: string, body: Buffer): void {
  const [method, path = ''] = head.split(' ', 2)
  if (method === 'POST' && path.startsWith('/api/agent/ask_proxy')) {
    const session = /session_id=([^;\r]+)/.exec(head)?.[1] ?? ''
    asksOf[session] = (asksOf[session] ?? 0) + 1
    return startAnswer(socket, 'agent', planOf(body))
  }
  if (method === 'POST' && path.startsWith('/v1/chat/completions')) {
    const plan = planOf(body)
    if (/"stream": ?true/.test(body.toString('latin1'))) return startAnswer(socket, 'openai', plan)
    asks += 1
    return sendJson(socket, 200, completion(plan))
  }
  if (path === '/bench/state') {
    const state: MockState = { open: streams.size, asks, asksOf, lastClosedNs: String(lastClosedNs) }
    return sendJson(socket, 200, JSON.stringify(state))
  }
  if (path.startsWith('/agents')) return send(socket, 200, 'text/html', tokenPage)
  if (path.startsWith('/recaptcha/enterprise.js')) return send(socket, 200, 'text/javascript', tokenScript)
  if (path.startsWith('/api/is_login'))
    return sendJson(socket, 200, '{"status": 0, "data": {"is_login": true}}')
  return sendJson(socket, 404, '{"detail": "Not Found"}')
}

/** Where the prompt stands depends on who wrote the body: at its end, as a rule. */
function planOf(body: Buffer): Required<AnswerPlan> {
  const near = 4096
  const text = body.length > 2 * near ? body.toString('latin1', body.length - near) : body.toString('latin1')
  const plan = parsePlan(text) ?? parsePlan(body.toString('latin1'))
  if (!plan) throw new Error(`no plan in ${text.slice(0, 500)}`)
  return plan
}

function startAnswer(socket: Socket, wire: 'agent' | 'openai', plan: Required<AnswerPlan>): void {
  asks += 1
  const recording = recordingOf(wire, plan)
  if (plan.burst) return void socket.write(recording.whole)
  const stream: Stream = { socket, recording, periodMs: plan.rate === 0 ? 0 : 1000 / plan.rate, sent: 0 }
  streams.set(socket, stream)
  socket.write(recording.lead)
  if (plan.rate === 0) {
    if (dense.length === 0) setImmediate(sendDense)
    dense.push(stream)
  } else if (sendNext(stream)) schedule(stream, tick)
}

/** One write to each dense stream in each turn of the loop. */
function sendDense(): void {
  const now = dense
  dense = []
  for (const stream of now) if (sendNext(stream)) dense.push(stream)
  if (dense.length > 0) setImmediate(sendDense)
}

function sendDue(): void {
  const last = Math.floor(performance.now() / tickMs)
  for (; tick <= last; tick += 1) {
    const now = due.get(tick)
    if (!now) continue
    due.delete(tick)
    for (const stream of now) if (sendNext(stream)) schedule(stream, tick)
  }
}

function schedule(stream: Stream, from: number): void {
  const at = from + Math.max(1, Math.round(stream.periodMs / tickMs))
  const there = due.get(at)
  if (there) there.push(stream)
  else due.set(at, [stream])
}

/** @returns whether more are to come */
function sendNext(stream: Stream): boolean {
  const { socket, recording } = stream
  if (!streams.has(socket)) return false
  const write = recording.writes[stream.sent]
  stream.sent += 1
  if (write) socket.write(write)
  if (stream.sent < recording.writes.length) return true
  streams.delete(socket)
  socket.write(recording.end)
  return false
}

function recordingOf(wire: 'agent' | 'openai', plan: Required<AnswerPlan>): Recording {
  const key = `${wire} ${plan.tokens} ${plan.bytes}`
  const known = recordings.get(key)
  if (known) return known
  const { lead, tokens, end } = wire === 'agent' ? agentEvents(plan) : openaiEvents(plan)
  const framed = {
    lead: Buffer.concat([Buffer.from(sseHead), chunk(lead)]),
    writes: tokens.map(chunk),
    end: Buffer.concat([chunk(end), Buffer.from('0\r\n\r\n')]),
  }
  const recording = { ...framed, whole: Buffer.concat([framed.lead, ...framed.writes, framed.end]) }
  recordings.set(key, recording)
  return recording
}

function chunk(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

/** The events of an answer in the order of the site; its JSON is written with spaces. */
function agentEvents({ tokens, bytes }: Required<AnswerPlan>) {
  const project = '0f8fad5b-d9cb-469f-a165-70867728950e'
  const message = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
  const text = tokenText(bytes)
  let index = 0
  const event = (fields: string) => `data: {${fields}, "_event_index": ${index++}}\n\n`
  const ofMessage = `"message_id": "${message}"`
  const ofProject = `"project_id": "${project}"`
  const lead =
    event(`"id": "${project}", "type": "project_start"`) +
    event(
      `"message_id": "${project}", "field_name": "_updatetime", "field_value": "2026-04-02T14:30:45.000000", "type": "message_field"`,
    ) +
    event(`${ofMessage}, "role": "assistant", ${ofProject}, "tool_call_id": null, "type": "message_start"`)
  const deltas = Array.from({ length: tokens }, () =>
    event(
      `${ofMessage}, "field_name": "content", "delta": "${text}", ${ofProject}, "type": "message_field_delta"`,
    ),
  )
  const whole = text.repeat(tokens)
  const end =
    event(
      `${ofMessage}, "field_name": "content", "field_value": "${whole}", ${ofProject}, "type": "message_field"`,
    ) +
    event(
      `${ofMessage}, "message": {"id": "${message}", "role": "assistant", "content": "${whole}", "_llm_model": "gpt-5.4", "_finish_reason": "stop", "session_state": {"_llm_model": "gpt-5.4", "_llm_usage": {}}}, ${ofProject}, "type": "message_result"`,
    ) +
    event(`"id": "${project}", "field_name": "name", "field_value": "Greeting", "type": "project_field"`) +
    event(`"id": "${project}", "field_name": "status", "field_value": "FINISHED", "type": "project_field"`)
  return { lead, tokens: deltas, end }
}

const openaiFrame = '"id":"chatcmpl-bench","created":1790000000,"model":"gpt-5.4"'

function openaiEvents({ tokens, bytes }: Required<AnswerPlan>) {
  const event = (delta: string, reason: string) =>
    `data: {${openaiFrame},"object":"chat.completion.chunk","choices":[{"index":0,"delta":{${delta}},"finish_reason":${reason}}]}\n\n`
  return {
    lead: event('"role":"assistant","content":""', 'null'),
    tokens: Array.from({ length: tokens }, () => event(`"content":"${tokenText(bytes)}"`, 'null')),
    end: `${event('', '"stop"')}data: [DONE]\n\n`,
  }
}

function completion({ tokens, bytes }: Required<AnswerPlan>): string {
  const text = tokenText(bytes).repeat(tokens)
  return `{${openaiFrame},"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"${text}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":${tokens},"total_tokens":${tokens + 9}}}`
}

/** A page whose grecaptcha takes a known time and writes into each token how long it took. */
const tokenPage =
  '<!doctype html><title>Genspark</title><script src="/recaptcha/enterprise.js?render=bench-key" async></script>'
const tokenScript = `window.grecaptcha = { enterprise: {
  ready: (callback) => callback(),
  async execute() {
    const startedMs = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 50))
    return 'bench_' + (performance.now() - startedMs) + '_' + Math.random()
  },
} }`

const sendJson = (socket: Socket, status: number, body: string): void =>
  send(socket, status, 'application/json', body)

function send(socket: Socket, status: number, type: string, body: string): void {
  const length = Buffer.byteLength(body)
  socket.write(`HTTP/1.1 ${status} OK\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n${body}`)
}
