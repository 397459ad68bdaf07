// Runs the mock of the site alone, for trying the service out by hand or without an account.

import { parseArgs } from 'node:util'
import { type EmulatorOptions, startEmulator } from './emulator.ts'
import { magicAnswers, magicMedia } from './magic-prompt.ts'

const wordsOf = (scenarios: object): string =>
  Object.keys(scenarios)
    .map((word) => `[[${word}]]`)
    .join(' ')

const help = `The emulator: a mock of the site that answers with canned text. It needs no account and no network.

Usage: npm run emulator -- [options]

  --port NUMBER     port on 127.0.0.1 (default 7055; 0 takes a free one)
  --no-token-check  answer without a reCAPTCHA token as if there were one
  --challenge       challenge every client that is not a browser
  --tls             serve HTTP/2 over TLS, with a certificate that signs itself, beside plain HTTP
  --help            this text

A prompt may choose how it is answered: ${wordsOf(magicAnswers)}
for a picture or video: ${wordsOf(magicMedia)}
or a failure by its number, [[F1]] to [[F10]] and [[A1]] to [[A15]].`

try {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '7055' },
      'no-token-check': { type: 'boolean', default: false },
      challenge: { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) console.log(help)
  else
    await run({
      port: Number(values.port),
      tokenCheck: values['no-token-check'] ? 'off' : 'valid',
      tls: values.tls,
      ...(values.challenge ? { challenge: 'clients' } : {}),
    })
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\nTry --help.`)
  process.exitCode = 1
}

async function run(options: EmulatorOptions): Promise<void> {
  const emulator = await startEmulator(options)
  console.log(`emulator listening on ${emulator.url}`)
  if (emulator.plainUrl !== emulator.url) console.log(`and on ${emulator.plainUrl}`)
  console.log('It stands in for the site; every answer is canned.')
  console.log(`To use it: GENSPARK_BASE_URL=${emulator.url} GS_COOKIE=session_id=demo npm start`)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void emulator.close())
}
