// Writes through an embedded store, says so, and waits to be killed. Arguments: data folder, time in ms.
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'

const [dataDir, nowMs] = process.argv.slice(2)
const chooseAccount = createChooseAccount(Math.random)
const clock = { now: () => Number(nowMs) }
const store = createEmbeddedStore({ dataDir, clock, chooseAccount, logger: silentLogger })

async function lease(account: string, model: string) {
  const choice = {
    accounts: [account],
    exclude: new Set<string>(),
    selection: 'least-busy',
    maxConcurrency: 0,
  } as const
  const answer = await store.lease({ ...choice, leaseMs: 30_000, requestId: 'r', model })
  if (answer.type !== 'leased') throw new Error(answer.type)
  return { account, leaseId: answer.leaseId, model }
}

for (let index = 0; index < 1000; index += 1) {
  await store.releaseLease({ ...(await lease('bound', `model-${index}`)), chatId: `chat-${index}` })
}
const held = await lease('held', 'm')
await store.countRateLimit('held')
const hold = { type: 'cooling', kind: 'rate-limited', untilMs: clock.now() + 600_000 } as const
await store.releaseLease({ ...held, hold })
process.stdout.write('written\n')
setInterval(() => {}, 60_000)
