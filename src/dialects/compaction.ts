import { invalidValue } from './check-shape.ts'

/** A conversation in short, as Codex keeps it in the place of the conversation: `encrypted_content` that only the service which
 *  made it can read. Ours is not encrypted: the client has read the conversation itself. */
export const writeCompaction = (summary: string): string => mark + Buffer.from(summary).toString('base64')

/** @returns the words that stand for the conversation  @throws {InvalidRequestError} `invalid_value` for another service's */
export function readCompaction(content: string, at: string): string {
  if (!content.startsWith(mark))
    throw invalidValue(
      `${at}.encrypted_content`,
      'this summary was made by another service, which alone can read it',
    )
  const summary = Buffer.from(content.slice(mark.length), 'base64').toString('utf8')
  return `The conversation so far, in short:\n\n${summary}`
}

const mark = 'genspark2api-compaction-1:'

/** Asks for it, as the last turn. */
export const compactionPrompt = `Write a summary of this conversation that takes its place: another model goes on with the work from it and sees nothing else. Tell what the user wants, word for word where it matters; what was decided and why; what was done, with the names of files, functions, commands and their results; what is open and what comes next. Write nothing but the summary, and call no tool.`
