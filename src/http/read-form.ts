import busboy from 'busboy'
import { InvalidRequestError } from '../core/errors.ts'
import { readBody, readJson } from './read-body.ts'
import type { RequestContext } from './request-state.ts'

/** Reads a `multipart/form-data` body as an object, or a JSON body as it is.
 *  @throws {InvalidRequestError} as `readJson`, and `invalid_value` for a malformed form */
export async function readFormOrJson(context: RequestContext, maxBytes: number): Promise<unknown> {
  const isForm = /^multipart\/form-data\b/i.test(context.get('content-type'))
  return isForm ? await readForm(context, maxBytes) : await readJson(context, maxBytes)
}

type FormValue = string | Uint8Array | FormObject | (string | Uint8Array)[]
interface FormObject {
  [field: string]: FormValue
}

/** Fields become strings and files bytes. A repeated name and `name[]` make a list, `name[key]` an object. */
async function readForm(context: RequestContext, maxBytes: number): Promise<FormObject> {
  const bytes = await readBody(context, maxBytes, 'invalid_value')
  const form = emptyObject()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const refuse = (problem: string, cause?: unknown) =>
    reject(new InvalidRequestError('invalid_value', { message: `The form ${problem}.`, cause }))
  const parser = createParser(context, maxBytes)
  parser.on('field', (name, value, { nameTruncated, valueTruncated }) => {
    if (nameTruncated || valueTruncated) refuse('has a field that is too long')
    else addValue(form, name, value)
  })
  parser.on('file', (name, file) => {
    const chunks: Buffer[] = []
    file.on('data', (chunk: Buffer) => chunks.push(chunk))
    file.on('error', (error) => refuse('is malformed', error))
    file.on('end', () => addValue(form, name, Buffer.concat(chunks)))
  })
  for (const limit of ['fieldsLimit', 'filesLimit', 'partsLimit'] as const)
    parser.on(limit, () => refuse(`has more than ${maxParts} parts`))
  parser.on('error', (error) => refuse('is malformed', error))
  parser.on('close', resolve)
  parser.end(bytes)
  try {
    await promise
  } finally {
    parser.destroy()
  }
  return form
}

const maxParts = 100
const maxFieldBytes = 8 * 1024 * 1024

function createParser({ req }: RequestContext, maxBytes: number): busboy.Busboy {
  const limits = {
    parts: maxParts,
    fields: maxParts,
    files: maxParts,
    fieldSize: Math.min(maxFieldBytes, maxBytes),
    fileSize: maxBytes,
  }
  try {
    return busboy({ headers: req.headers, limits, defParamCharset: 'utf8' })
  } catch (cause) {
    throw new InvalidRequestError('invalid_value', { message: 'The form is malformed.', cause })
  }
}

/** Without a prototype, so that a field named `__proto__` is a field like any other. */
const emptyObject = (): FormObject => Object.create(null)

function addValue(form: FormObject, name: string, value: string | Uint8Array): void {
  const [, field = name, key] = /^([^[\]]+)\[([^[\]]*)\]$/.exec(name) ?? []
  const earlier = form[field]
  if (key) {
    const inner = isObject(earlier) ? earlier : emptyObject()
    inner[key] = value
    form[field] = inner
  } else if (Array.isArray(earlier)) earlier.push(value)
  else if (typeof earlier === 'string' || earlier instanceof Uint8Array) form[field] = [earlier, value]
  else form[field] = key === '' ? [value] : value
}

function isObject(value: FormValue | undefined): value is FormObject {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)
}
