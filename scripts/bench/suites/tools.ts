import { roundsOf, type Suite } from '../bench.ts'

const plan = { tokens: 20, burst: true }

export const tools: Suite = {
  name: 'tools',
  about: '24 tools with 37 KB of schemas, strict and not: CPU a request.',
  async run(bench) {
    await bench.rounds({ subjects: bench.targets, count: roundsOf(bench, 4) }, async (subject, round) => {
      const cost = async (strict: boolean, requests: number) => {
        const asked = { stream: true, tools: agentTools(strict) }
        const load = await subject.load(plan, { connections: 4, requests }, asked)
        return load.cpuMs / load.answers
      }
      if (round === 0) for (const strict of [false, true]) await cost(strict, 40)
      const loose = await cost(false, 200)
      const strict = await cost(true, 100)
      bench.record('24 tools, not strict, CPU, ms', subject.name, loose)
      bench.record('24 tools, strict, CPU, ms', subject.name, strict)
      bench.record('24 tools, CPU strict : not strict', subject.name, strict / loose)
    })
  },
}

/** As an agent of today sends them: long descriptions, nested objects, enums. */
function agentTools(strict: boolean): readonly object[] {
  return Array.from({ length: 24 }, (_, tool) => {
    const properties = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [`field_${index}`, fieldSchema(tool, index)]),
    )
    const parameters = {
      type: 'object',
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    }
    const description = `Does the work of tool ${tool} on the workspace. Use it when the user asks for it, not otherwise.`
    return { type: 'function', function: { name: `tool_${tool}`, description, parameters, strict } }
  })
}

function fieldSchema(tool: number, index: number): object {
  const description = `Field ${index} of tool ${tool}: an absolute path as other tools give it.`
  if (index === 0) return { type: 'string', description }
  if (index === 1) return { type: 'string', enum: ['read', 'write', 'append', `mode-${tool}`], description }
  if (index === 2) return { type: ['integer', 'null'], description }
  if (index === 3) return { type: 'array', items: { type: 'string' }, description }
  return {
    type: 'object',
    description,
    properties: { line: { type: 'integer', description }, text: { type: 'string', description } },
    required: ['line', 'text'],
    additionalProperties: false,
  }
}
