import { describe, expect, test } from 'vitest'
import { countTests } from '../../scripts/lib/count-tests.ts'

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((outcome) => ({ status: outcome })),
})
const report = (numPassedTests: number, numFailedTests: number, ...testResults: unknown[]) => ({
  numPassedTests,
  numFailedTests,
  testResults,
})

describe('the count of tests', () => {
  test('is that of the report', () => {
    expect(countTests(report(2, 0, file('passed', 'passed', 'passed')), true)).toEqual({
      passed: 2,
      failed: 0,
    })
    expect(countTests(report(1, 1, file('failed', 'passed', 'failed')), false)).toEqual({
      passed: 1,
      failed: 1,
    })
  })

  test('has one failure for each file that does not load', () => {
    const broken = report(1, 0, file('passed', 'passed'), file('failed'), file('failed'))
    expect(countTests(broken, false)).toEqual({ passed: 1, failed: 2 })
  })

  test('has a failure when all tests passed but the run did not, as after an unhandled error', () => {
    expect(countTests(report(1, 0, file('passed', 'passed')), false)).toEqual({ passed: 1, failed: 1 })
  })

  test('has a failure when no test ran', () => {
    expect(countTests(report(0, 0), true)).toEqual({ passed: 0, failed: 1 })
  })

  test.each([undefined, null, {}, 'report'])('has a failure for the report %j', (broken) => {
    expect(countTests(broken, true)).toEqual({ passed: 0, failed: 1 })
  })
})
