import { recordedKey } from '../../fixtures/clients/recorded-request.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { callingModel, type ModelCall } from '../../support/tool-model.ts'

export const clientKey = recordedKey

/** The service as clients meet it, with a key and without Chromium. `copilot` is the generation whose models think aloud. */
export const startClientStack = (protocol: 'auto' | 'copilot' = 'auto'): Promise<Stack> =>
  startStack({
    env: { API_SECRET: clientKey, RECAPTCHA_MODE: 'off', GENSPARK_PROTOCOL: protocol },
    emulator: { tokenCheck: 'off' },
  })

/** The model makes these calls in its next answer and says `said` in those after. */
export function answerWithCalls({ emulator }: Stack, calls: readonly ModelCall[], said: string): void {
  const first = emulator.asks.length
  emulator.answerWith(callingModel(({ ask }) => (ask.index === first ? calls : said)))
}

export const cutAnswer = {
  type: 'answer',
  chunks: ['Half an ', 'answer'],
  cut: { after: 'first-token', how: 'reset' },
} as const
