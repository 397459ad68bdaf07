import type { AskMessage, AskRecord } from '../emulator/ask-record.ts'
import type { AnswerScenario } from '../emulator/scenario.ts'

/** What a model can read in its prompt about tools. */
export interface ToolAsk {
  readonly ask: AskRecord
  /** In their order; empty when the prompt teaches none. */
  readonly tools: readonly TaughtTool[]
  /** All texts of the history, oldest first. */
  readonly said: readonly { readonly role: string; readonly text: string }[]
  /** Of the last message. */
  readonly results: readonly ToolResult[]
}

export interface TaughtTool {
  readonly name: string
  readonly description: string
  readonly parameters: Readonly<Record<string, unknown>>
}

export interface ToolResult {
  readonly name: string | undefined
  /** Counted from 1 in the message that called. */
  readonly call: number | undefined
  readonly failed: boolean
  readonly text: string
}

export interface ModelCall {
  readonly name: string
  /** A string is written as it is, JSON or not. */
  readonly arguments: Readonly<Record<string, unknown>> | string
}

/** Words, calls, or words and then calls. */
export type ModelAnswer =
  | string
  | readonly ModelCall[]
  | { readonly text?: string; readonly calls: readonly ModelCall[] }

/** A model that reads its tools in the prompt and writes its calls in the form that the prompt shows. For `answerWith`.
 *  @param wire  how the answer is sent, e.g. `{ split: 'every-byte' }` */
export function callingModel(
  script: (asked: ToolAsk) => ModelAnswer,
  wire: Omit<AnswerScenario, 'type' | 'text' | 'chunks'> = {},
): (ask: AskRecord) => AnswerScenario {
  return (ask) => {
    const asked = readToolAsk(ask)
    return { ...wire, type: 'answer', chunks: cut(write(script(asked), asked)) }
  }
}

export function readToolAsk(ask: AskRecord): ToolAsk {
  const said = ask.messages.map((message) => ({ role: message.role, text: textOf(message) }))
  const rules = said.filter(({ role }) => role === 'system').map(({ text }) => text)
  return {
    ask,
    said,
    tools: [...rules.join('\n').matchAll(taughtTool)].map(([, name = '', description = '', schema = '']) => ({
      name,
      description: description.trim(),
      parameters: JSON.parse(schema) as TaughtTool['parameters'],
    })),
    results: [...(said.at(-1)?.text ?? '').matchAll(toolResult)].map(([, name, call, failed, text = '']) => ({
      name,
      call: call === undefined ? undefined : Number(call),
      failed: failed !== undefined,
      text,
    })),
  }
}

const taughtTool = /^<tool name="([^"]+)">\n([\s\S]*?)^Parameters: (\{.*\})\n<\/tool>$/gm
const toolResult =
  /^<tool_result(?: name="([^"]*)" call="(\d+)")?( failed="true")?>\n([\s\S]*?)\n<\/tool_result>$/gm

function textOf({ content }: AskMessage): string {
  if (typeof content === 'string') return content
  return content.map((part) => (typeof part.text === 'string' ? part.text : '')).join('')
}

function write(answer: ModelAnswer, asked: ToolAsk): string {
  if (typeof answer === 'string') return answer
  const { text = '', calls } = 'calls' in answer ? answer : { calls: answer }
  const form = findForm(asked)
  return [...(text ? [text] : []), ...calls.map((call) => writeCall(call, form, asked))].join('\n')
}

interface CallForm {
  readonly open: string
  readonly close: string
}

/** The marks around the example of a call. */
function findForm({ said }: ToolAsk): CallForm | undefined {
  for (const { role, text } of said) {
    const example = role === 'system' && /^(\S+)\{"name":.*,"arguments":\{.*\}\}(\S+)$/m.exec(text)
    if (example) return { open: example[1] ?? '', close: example[2] ?? '' }
  }
  return undefined
}

function writeCall({ name, arguments: given }: ModelCall, form: CallForm | undefined, { tools }: ToolAsk) {
  if (!form) return '[the prompt shows no form of a call]'
  if (!tools.some((tool) => tool.name === name)) return `[the prompt teaches no tool ${name}]`
  const text = typeof given === 'string' ? given : JSON.stringify(given)
  return `${form.open}{"name":${JSON.stringify(name)},"arguments":${text}}${form.close}`
}

/** As a model sends it: a few characters an event. */
const cut = (text: string): readonly string[] => text.match(/[\s\S]{1,5}/gu) ?? []
