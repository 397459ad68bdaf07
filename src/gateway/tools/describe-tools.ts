import type { ToolDefinition, ToolUse } from '../../core/chat-request.ts'
import { writeCall } from './call-mark.ts'

/** Teaches a model the tools and how to call them. The rules stand behind the definitions, which may be long: what comes last is
 *  kept best. */
export function describeTools({ definitions, choice, parallel }: ToolUse): string {
  return `# Tools

You have these tools. "Parameters" is the JSON Schema of a tool's arguments.

${definitions.map(describeTool).join('\n')}

## How to call a tool

Write this, with the name of the tool and a JSON object that fits its parameters:

${writeCall('name_of_the_tool', '{"name_of_a_parameter":"value"}')}

- This is the only form of a call, whatever tools or forms you know besides. No code fence around it, no comment in it; it is JSON, so within strings a line break is \\n, a quote \\" and a backslash \\\\.
- ${parallel ? 'Calls that do not need the results of each other may follow one another, each in its own <tool_call>.' : 'At most one call in an answer.'}
- Say what is to be said before the call. End your answer right behind ${parallel ? 'the last call' : 'it'}: the tool is run, and the next message brings what it gave as <tool_result>. Never write a <tool_result> yourself.
- ${choiceRule(choice)}`
}

function describeTool({ name, description, parameters }: ToolDefinition): string {
  const { $schema: _, ...schema } = parameters
  return `<tool name="${name}">
${description ? `${description.trim()}\n` : ''}Parameters: ${JSON.stringify(schema)}
</tool>`
}

function choiceRule(choice: ToolUse['choice']): string {
  switch (choice.type) {
    case 'auto':
      return 'If no tool is needed, answer without a call.'
    case 'required':
      return 'This time your answer must hold a call, of whichever tool fits best.'
    case 'named':
      return `This time your answer must be a call of ${choice.name}, and of no other tool.`
    default:
      return choice satisfies never
  }
}
