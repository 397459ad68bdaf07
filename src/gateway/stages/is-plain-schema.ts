import type { JsonSchema } from './compile-schema.ts'

/** Is it sure without compiling it that the schema can be used? That is so when it holds nothing but the keywords that nearly all
 *  tools are described with, each with a value that it takes. Of any other schema only the compiler knows. */
export function isPlainSchema({ $schema, ...root }: JsonSchema): boolean {
  if ($schema !== undefined && !(typeof $schema === 'string' && drafts.has($schema))) return false
  return isPlain(root, { left: maxCost }, 0)
}

/** Those in which all these keywords mean the same. */
const drafts: ReadonlySet<string> = new Set([
  'http://json-schema.org/draft-07/schema#',
  'http://json-schema.org/draft-07/schema',
  'https://json-schema.org/draft/2020-12/schema',
])

/** In UTF-16 units, and eight for each name or value: a schema up to here is compiled in a moment. */
const maxCost = 20_000
const maxDepth = 24

interface Budget {
  left: number
}

function isPlain(schema: unknown, budget: Budget, depth: number): boolean {
  if (typeof schema === 'boolean') return spend(budget, '')
  if (!isObject(schema) || depth > maxDepth) return false
  return Object.entries(schema).every(
    ([keyword, value]) => spend(budget, keyword) && isPlainKeyword(keyword, value, budget, depth + 1),
  )
}

function isPlainKeyword(keyword: string, value: unknown, budget: Budget, depth: number): boolean {
  switch (keyword) {
    case 'title':
    case 'description':
    case 'format':
      return typeof value === 'string' && spend(budget, value)
    case 'type':
      return isType(value) || (isList(value) && value.every(isType) && isUnique(value))
    case 'properties':
      return (
        isObject(value) &&
        Object.entries(value).every(([name, each]) => spend(budget, name) && isPlain(each, budget, depth))
      )
    case 'additionalProperties':
    case 'items':
      return isPlain(value, budget, depth)
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
      return isList(value) && value.every((each) => isPlain(each, budget, depth))
    case 'required':
      return Array.isArray(value) && value.every((name) => isText(name, budget)) && isUnique(value)
    case 'enum':
      return isList(value) && value.every((each) => isScalar(each, budget))
    case 'const':
      return isScalar(value, budget)
    case 'default':
      return (
        isScalar(value, budget) || (Array.isArray(value) && value.every((each) => isScalar(each, budget)))
      )
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return Number.isFinite(value)
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
      return Number.isSafeInteger(value) && Number(value) >= 0
    default:
      return false
  }
}

function spend(budget: Budget, text: string): boolean {
  budget.left -= text.length + 8
  return budget.left >= 0
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0

const isUnique = (values: readonly unknown[]): boolean => new Set(values).size === values.length

const isText = (value: unknown, budget: Budget): boolean => typeof value === 'string' && spend(budget, value)

const isScalar = (value: unknown, budget: Budget): boolean =>
  isText(value, budget) ||
  (spend(budget, '') && (value === null || typeof value === 'boolean' || Number.isFinite(value)))

const types = ['object', 'string', 'integer', 'number', 'boolean', 'array', 'null']

const isType = (value: unknown): boolean => typeof value === 'string' && types.includes(value)
