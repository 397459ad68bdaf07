import { expect, it } from 'vitest'
import { WaitingLine } from '../../src/accounts/waiting-line.ts'

const never = new AbortController().signal

function create() {
  const givenBack: string[] = []
  const giveBack = (value: string) => void givenBack.push(value)
  const line = new WaitingLine<string>({ max: 10, waitMs: 60_000, recheckMs: 60_000, giveBack })
  return { line, givenBack }
}

it('asks again at joining, since what became free in between woke nobody', async () => {
  const { line } = create()
  const answers = [undefined, 'account']
  expect(await line.enter({ ask: async () => answers.shift(), choosy: false, signal: never })).toBe('account')
  expect(line.length).toBe(0)
})

it('C2: gives back what comes for one who left the line while being served', async () => {
  const { line, givenBack } = create()
  const client = new AbortController()
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<string>()
  let asks = 0
  const ask = async () => {
    asks += 1
    if (asks === 1) return undefined
    asked.resolve()
    return answer.promise
  }
  const gone = expect(line.enter({ ask, choosy: false, signal: client.signal })).rejects.toBe('client left')
  await asked.promise
  client.abort('client left')
  await gone
  answer.resolve('account')
  await answer.promise
  await Promise.resolve()
  expect(givenBack).toEqual(['account'])
  expect(line.length).toBe(0)
})

it('serves on after one whose asking fails', async () => {
  const { line } = create()
  const answers = [undefined, undefined]
  const fails = async () => {
    if (answers.length > 0) return answers.pop()
    throw new Error('none')
  }
  let free = false
  const first = expect(line.enter({ ask: fails, choosy: false, signal: never })).rejects.toThrow('none')
  const second = line.enter({ ask: async () => (free ? 'account' : undefined), choosy: false, signal: never })
  free = true
  line.wake()
  await first
  expect(await second).toBe('account')
})
