import { expect, test } from 'vitest'
import { describeSite } from '../../src/browser/recaptcha-site.ts'

const baseUrl = 'https://www.genspark.ai'
const copilotKey = '6Leq7KYqAAAAAGdd1NaUBJF9dHTPAKP7DcnaRc66'
const agentKey = '6LfYyWcsAAAAAK8DUr6Oo1wHl2CJ5kKbO0AK3LIM'

test('the copilot generation has the front page, the v3 script and its own action', () => {
  const site = describeSite('copilot', { baseUrl })

  expect(site.pageUrl).toBe('https://www.genspark.ai/')
  expect(site.fallbackKey).toBe(copilotKey)
  expect(site.scriptUrl(copilotKey)).toBe(`https://www.google.com/recaptcha/api.js?render=${copilotKey}`)
  expect(site.action(copilotKey)).toBe('copilot')
})

test('the agent generation has the chat page and the enterprise script; the key decides the action', () => {
  const site = describeSite('agent', { baseUrl })

  expect(site.pageUrl).toBe('https://www.genspark.ai/agents?type=ai_chat')
  expect(site.fallbackKey).toBe(agentKey)
  expect(site.scriptUrl('KEY')).toBe('https://www.google.com/recaptcha/enterprise.js?render=KEY')
  expect([agentKey, copilotKey, 'another'].map((key) => site.action(key))).toEqual([
    'submit',
    'ask',
    'agent_ask',
  ])
})

test('settings win', () => {
  const site = describeSite('agent', {
    baseUrl,
    recaptchaSiteKey: 'set',
    recaptchaAction: 'chosen',
    recaptchaScriptUrl: 'https://www.recaptcha.net/recaptcha/enterprise.js?hl=en',
  })

  expect(site.wantedKey).toBe('set')
  expect(site.fallbackKey).toBe('set')
  expect(site.action(agentKey)).toBe('chosen')
  expect(site.scriptUrl('set')).toBe('https://www.recaptcha.net/recaptcha/enterprise.js?hl=en&render=set')
})
