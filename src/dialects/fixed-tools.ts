import type { ToolDefinition } from '../core/chat-request.ts'

/** Anthropic's tools that the client runs: a type and a name, and no schema, since the vendor's models know it by heart.
 *  Source: https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview
 *  @returns undefined for any other type */
export function fixedTool(type: string, name: string | undefined): ToolDefinition | undefined {
  const [, family = '', date = ''] = /^(bash|text_editor|memory|computer)_(\d{8})$/.exec(type) ?? []
  switch (family) {
    case 'bash':
      return define(name ?? 'bash', 'Runs a command in a bash session that persists.', bash, [])
    case 'text_editor': {
      const isOld = date < '20250429'
      const editorName = name ?? (isOld ? 'str_replace_editor' : 'str_replace_based_edit_tool')
      return define(editorName, 'Views, creates and edits text files.', isOld ? oldEditor : editor, [
        'command',
        'path',
      ])
    }
    case 'memory':
      return define(name ?? 'memory', memoryWords, memory, ['command'])
    case 'computer':
      return define(name ?? 'computer', 'Sees and works the screen of a computer.', computer, ['action'])
    default:
      return undefined
  }
}

const define = (
  name: string,
  description: string,
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[],
): ToolDefinition => ({
  name,
  description,
  parameters: { type: 'object', properties, required },
  strict: false,
})

const text = (description: string) => ({ type: 'string', description })
const commands = (...names: string[]) => ({ type: 'string', enum: names })
const path = text('Absolute path of a file or directory.')
const viewRange = {
  type: 'array',
  items: { type: 'integer' },
  description: 'First and last line to view, from 1; -1 is the end.',
}

const bash = {
  command: text('The command to run.'),
  restart: { type: 'boolean', description: 'Starts the session anew instead.' },
}

const edits = {
  path,
  file_text: text('For create: the content of the file.'),
  old_str: text('For str_replace: the text to replace, which stands in the file once.'),
  insert_line: { type: 'integer', description: 'For insert: the line after which to insert; 0 is the top.' },
  view_range: viewRange,
}

const oldEditor = {
  command: commands('view', 'create', 'str_replace', 'insert', 'undo_edit'),
  ...edits,
  new_str: text('For str_replace and insert: the new text.'),
}

const editor = {
  command: commands('view', 'create', 'str_replace', 'insert'),
  ...edits,
  new_str: text('For str_replace: the new text.'),
  insert_text: text('For insert: the text to insert.'),
}

const memoryWords =
  'Files under /memories that last from one conversation to the next. View the directory before you begin.'

const memory = {
  ...editor,
  command: commands('view', 'create', 'str_replace', 'insert', 'delete', 'rename'),
  path: text('Path under /memories.'),
  old_path: text('For rename.'),
  new_path: text('For rename.'),
}

const point = { type: 'array', items: { type: 'integer' }, description: 'x and y in pixels.' }

const computer = {
  action: commands(
    'screenshot',
    'key',
    'type',
    'mouse_move',
    'left_click',
    'right_click',
    'middle_click',
    'double_click',
    'triple_click',
    'left_click_drag',
    'left_mouse_down',
    'left_mouse_up',
    'scroll',
    'hold_key',
    'wait',
    'cursor_position',
  ),
  coordinate: point,
  start_coordinate: point,
  text: text('For key, hold_key and type.'),
  scroll_direction: commands('up', 'down', 'left', 'right'),
  scroll_amount: { type: 'integer' },
  duration: { type: 'number', description: 'Seconds, for wait and hold_key.' },
}
