import { z } from 'zod'
import type { ToolChoice, ToolDefinition, ToolUse } from '../core/chat-request.ts'
import { checkShape, invalidValue } from './check-shape.ts'
import { fixedTool } from './fixed-tools.ts'
import { nameInNamespace } from './turns.ts'

const maxTools = 512

/** The model is told the tools in words, so that any name can do (SEP-986 of MCP allows `user-profile/update`). */
const maxNameLength = 256

/** Checks the tools of a request of any dialect.
 *  One that is listed twice counts once, as it stands first.
 *  @param at  the place of the list, e.g. `tools`; `choiceAt` that of the choice
 *  @returns undefined when the model is to know of no tool
 *  @throws {InvalidRequestError} `invalid_value` */
export function createToolUse(
  definitions: readonly ToolDefinition[],
  choice: 'none' | ToolChoice,
  parallel: boolean,
  at: string,
  choiceAt = 'tool_choice',
): ToolUse | undefined {
  if (definitions.length > maxTools) throw invalidValue(at, `expected at most ${maxTools} tools`)
  const unique = new Map<string, ToolDefinition>()
  for (const [index, definition] of definitions.entries()) {
    const { name } = definition
    if (name.trim() === '' || name.length > maxNameLength)
      throw invalidValue(
        at,
        `the name of tool ${index} must have 1 to ${maxNameLength} characters, not ${name.length}`,
      )
    if (!unique.has(name)) unique.set(name, definition)
  }
  if (choice === 'none') return undefined
  if (choice.type === 'named' && !unique.has(choice.name))
    throw invalidValue(
      choiceAt,
      `there is no tool named ${JSON.stringify(choice.name.slice(0, 100))} in ${at}`,
    )
  if (unique.size === 0) return undefined
  return {
    definitions: unique.size === definitions.length ? definitions : [...unique.values()],
    choice,
    parallel,
  }
}

/** How a call of an offered tool is given back, where it is not as a plain function. */
export interface ToolForm {
  /** `custom`: it takes free text; `tool-search`: Codex looks for tools of its own. */
  readonly kind: 'function' | 'custom' | 'tool-search'
  readonly name: string
  readonly namespace?: string
}

export type ToolForms = ReadonlyMap<string, ToolForm>

export interface ToolFields {
  readonly tools?: readonly unknown[] | null | undefined
  readonly tool_choice?: unknown
  readonly parallel?: boolean | null | undefined
  /** Lists from elsewhere in the request, of which what is offered already is left out. */
  readonly more?: readonly { readonly list: unknown; readonly at: string }[]
  /** Where a definition without any is missed: `function`, as chat nests it. */
  readonly isNested?: boolean
}

export interface GivenTools {
  /** Undefined when the model is to know of no tool. */
  readonly tools: ToolUse | undefined
  /** By the names that the model knows them by. */
  readonly forms: ToolForms
  /** The vendor's web search is asked for: by the choice, or because it is the only tool. */
  readonly search: boolean
  /** Which tools were left out, in words for the client. */
  readonly warnings: readonly string[]
}

/** Reads the tools of a request of any dialect in the spelling of any: functions flat and nested, with `parameters` or
 *  `input_schema`, tools of free text, groups, those of Anthropic's that the client runs. What only a vendor's own server could run
 *  is left out and told, but for the web search, which the site has.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseTools({ tools, tool_choice, parallel, more = [], isNested }: ToolFields): GivenTools {
  const collected = new ToolCollection(isNested ?? false)
  for (const [index, value] of (tools ?? []).entries()) collected.add(value, `tools[${index}]`)
  const { choice, allowed, leftOut } = parseChoice(tool_choice)
  if (more.length > 0) collected.addMore(more)
  const { definitions, forms, searches, others } = collected
  const named = leftOut ?? (choice !== 'none' && choice.type === 'named' ? choice.name : undefined)
  const isVendors = named !== undefined && (searches.has(named) || others.has(named) || leftOut !== undefined)
  const search =
    choice !== 'none' &&
    (searches.has(named) ||
      (leftOut !== undefined && isSearchType(leftOut)) ||
      (searches.size > 0 && definitions.length === 0 && others.size === 0))
  const offered = allowed ? definitions.filter(({ name }) => allowed.has(name)) : definitions
  const asked = isVendors && !definitions.some(({ name }) => name === named) ? auto : choice
  return {
    tools: createToolUse(offered, asked, parallel ?? true, 'tools'),
    forms,
    search,
    warnings: warningsOf(search ? [] : [...searches.values()], [...others.values()]),
  }
}

const auto = { type: 'auto' } as const

function warningsOf(searches: readonly string[], others: readonly string[]): readonly string[] {
  const told =
    others.length > 0 ? [`tools that only the vendor could run are left out: ${others.join(', ')}`] : []
  if (searches.length > 0)
    told.push(
      `${searches.join(', ')} is left out: a web search is done when it is the only tool or the choice`,
    )
  return told
}

class ToolCollection {
  readonly definitions: ToolDefinition[] = []
  readonly forms = new Map<string, ToolForm>()
  /** Types, by the names under which they may be chosen. */
  readonly searches = new Map<string | undefined, string>()
  readonly others = new Map<string | undefined, string>()
  readonly #isNested: boolean

  constructor(isNested: boolean) {
    this.#isNested = isNested
  }

  add(value: unknown, at: string, namespace?: string): void {
    const tool = checkShape(toolSchema, value, at)
    const type = tool.type ?? 'function'
    if (type === 'namespace') return this.#addGroup(tool, at)
    if (type === 'tool_search') return this.#addSearchOfTools(tool, at)
    if (isCustom(type, tool)) return this.#addCustom(tool, at, namespace)
    const fixed = fixedTool(type, tool.name)
    if (fixed)
      return this.#define(fixed, { kind: 'function', name: fixed.name, ...(namespace && { namespace }) })
    if (type === 'function' || type === 'custom' || schemaOf(tool)) {
      const definition = this.#parseFunction(tool, at)
      return this.#define(definition, formOf('function', definition.name, namespace))
    }
    const left = isSearchType(type) ? this.searches : this.others
    left.set(tool.name ?? type, tool.name ?? shorten(type))
  }

  addMore(lists: readonly { readonly list: unknown; readonly at: string }[]): void {
    for (const { list, at } of lists) {
      if (!Array.isArray(list)) throw invalidValue(at, 'expected a list of tools')
      for (const [index, value] of list.entries()) this.add(value, `${at}[${index}]`)
    }
    // What is found by a search twice, or found and sent again, is one tool.
    const names = new Set<string>()
    const unique = this.definitions.filter(({ name }) => !names.has(name) && names.add(name))
    this.definitions.splice(0, Infinity, ...unique)
  }

  #define(definition: ToolDefinition, form: ToolForm): void {
    const name = form.namespace ? nameInNamespace(form.namespace, definition.name) : definition.name
    this.definitions.push({ ...definition, name })
    if (form.kind !== 'function' || form.namespace) this.forms.set(name, form)
  }

  #addGroup(tool: unknown, at: string): void {
    const { name, tools } = checkShape(groupSchema, tool, at)
    for (const [index, each] of tools.entries()) this.add(each, `${at}.tools[${index}]`, name)
  }

  #addSearchOfTools(tool: unknown, at: string): void {
    const { execution, description, parameters } = checkShape(searchToolSchema, tool, at)
    if (execution !== 'client') {
      this.others.set('tool_search', 'tool_search')
      return
    }
    const definition = {
      name: 'tool_search',
      description: description ?? 'Searches for tools. Those that are found can be called from then on.',
      parameters: parameters ?? searchParameters,
      strict: false,
    }
    this.#define(definition, { kind: 'tool-search', name: 'tool_search' })
  }

  #addCustom(tool: z.infer<typeof toolSchema>, at: string, namespace: string | undefined): void {
    const definition = tool.custom ? parseCustom(tool.custom, `${at}.custom`) : parseCustom(tool, at)
    this.#define(definition, formOf('custom', definition.name, namespace))
  }

  #parseFunction(tool: z.infer<typeof toolSchema>, at: string): ToolDefinition {
    const isNested = tool.function !== undefined || (this.#isNested && tool.name === undefined)
    return isNested ? parseFunction(tool.function, `${at}.function`) : parseFunction(tool, at)
  }
}

const formOf = (kind: ToolForm['kind'], name: string, namespace: string | undefined): ToolForm => ({
  kind,
  name,
  ...(namespace && { namespace }),
})

/** Anthropic writes `custom` for what is a function, with a schema. */
const isCustom = (type: string, tool: z.infer<typeof toolSchema>): boolean =>
  type === 'custom' && !schemaOf(tool)

const schemaOf = (tool: { input_schema?: unknown; inputSchema?: unknown; parameters?: unknown }): unknown =>
  tool.input_schema ?? tool.inputSchema ?? tool.parameters

const isSearchType = (type: string): boolean => /^web_search|^google_search$/.test(type)

const shorten = (type: string): string => type.slice(0, 64)

const toolSchema = z.looseObject({
  type: z.string().nullish(),
  name: z.string().optional(),
  function: z.unknown().optional(),
  custom: z.unknown().optional(),
  parameters: z.unknown().optional(),
  input_schema: z.unknown().optional(),
  inputSchema: z.unknown().optional(),
})

const groupSchema = z.object({ name: z.string(), tools: z.array(z.unknown()).max(maxTools) })

const searchToolSchema = z.object({
  execution: z.string().nullish(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
})

const searchParameters = {
  type: 'object',
  properties: { query: { type: 'string' }, limit: { type: 'integer' } },
  required: ['query'],
}

/** Taught as a function with the one argument `input`. */
function parseCustom(tool: unknown, at: string): ToolDefinition {
  const { name, description, format } = checkShape(customSchema, tool, at)
  const { syntax, definition } = format?.grammar ?? format ?? {}
  const grammar = definition && `The input follows this ${syntax ?? ''} grammar:\n${definition}`
  return {
    name,
    description: [description, grammar].filter(Boolean).join('\n\n') || undefined,
    parameters: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
    strict: false,
  }
}

const grammarFields = { syntax: z.string().nullish(), definition: z.string().nullish() }

const customSchema = z.object({
  name: z.string(),
  description: z.string().nullish(),
  format: z.object({ ...grammarFields, grammar: z.object(grammarFields).nullish() }).nullish(),
})

/** A function as any format defines it. @throws {InvalidRequestError} `invalid_value` */
export function parseFunction(value: unknown, at: string): ToolDefinition {
  const { name, description, strict, ...schemas } = checkShape(functionSchema, value, at)
  return {
    name,
    description: description ?? undefined,
    parameters: schemas.parameters ?? schemas.input_schema ?? schemas.inputSchema ?? noParameters,
    strict: strict ?? false,
  }
}

const noParameters = { type: 'object', properties: {} }

const jsonSchema = z.record(z.string(), z.unknown()).nullish()

const functionSchema = z.object({
  name: z.string(),
  description: z.string().nullish(),
  parameters: jsonSchema,
  input_schema: jsonSchema,
  inputSchema: jsonSchema,
  strict: z.boolean().nullish(),
})

interface ParsedChoice {
  readonly choice: 'none' | ToolChoice
  /** Only these are offered; undefined: all. */
  readonly allowed?: ReadonlySet<string>
  /** A tool of the vendor's own that was chosen. */
  readonly leftOut?: string
}

/** A choice among the tools, in the spelling of any dialect. */
function parseChoice(given: unknown): ParsedChoice {
  if (given === undefined || given === null) return { choice: auto }
  if (typeof given === 'string') return { choice: simpleChoice(given, 'tool_choice') }
  const { type, ...fields } = checkShape(choiceSchema, given, 'tool_choice')
  switch (type) {
    case 'function':
    case 'custom':
    case 'tool': {
      const nested = fields.function ?? fields.custom
      const { name, namespace } = nested
        ? checkShape(namedSchema, nested, `tool_choice.${type}`)
        : checkShape(namedSchema, fields, 'tool_choice')
      return { choice: { type: 'named', name: namespace ? nameInNamespace(namespace, name) : name } }
    }
    case 'allowed_tools': {
      const { mode, tools } = fields.allowed_tools
        ? checkShape(allowedSchema, fields.allowed_tools, 'tool_choice.allowed_tools')
        : checkShape(allowedSchema, fields, 'tool_choice')
      return {
        choice: simpleChoice(mode ?? 'auto', 'tool_choice'),
        allowed: new Set(tools.flatMap(allowedNames)),
      }
    }
    case 'auto':
    case 'none':
    case 'required':
    case 'any':
      return { choice: simpleChoice(type, 'tool_choice') }
    default:
      return { choice: auto, leftOut: type }
  }
}

function simpleChoice(given: string, at: string): 'none' | ToolChoice {
  switch (given) {
    case 'none':
      return 'none'
    case 'auto':
    case 'validated':
      return auto
    case 'required':
    case 'any':
      return { type: 'required' }
    default:
      throw invalidValue(at, 'expected none, auto, required or a tool')
  }
}

const allowedNames = ({
  name,
  namespace,
  function: nested,
  custom,
}: z.infer<typeof allowedTool>): string[] => {
  const own = name ?? nested?.name ?? custom?.name
  if (!own) return []
  return [namespace ? nameInNamespace(namespace, own) : own]
}

const nameSchema = z.object({ name: z.string() })

const namedSchema = z.object({ name: z.string(), namespace: z.string().nullish() })

const choiceSchema = z.looseObject({ type: z.string() })

const allowedTool = z.object({
  name: z.string().nullish(),
  namespace: z.string().nullish(),
  function: nameSchema.nullish(),
  custom: nameSchema.nullish(),
})

const allowedSchema = z.object({ mode: z.string().nullish(), tools: z.array(allowedTool) })
