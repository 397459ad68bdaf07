import { z } from 'zod'

export interface TestCount {
  readonly passed: number
  readonly failed: number
}

/** The part of Vitest's JSON report that counts. */
const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(
    z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) }),
  ),
})

/** Counts tests, and as one failure each: a file that could not be read or set up, a run that failed for another
 *  reason (an unhandled error, a crash), a run without any test, a run without a report.
 *  @param exitedWell  whether Vitest ended with code 0 */
export function countTests(report: unknown, exitedWell: boolean): TestCount {
  const result = reportSchema.safeParse(report)
  if (!result.success) return { passed: 0, failed: 1 }
  const { numPassedTests: passed, numFailedTests, testResults } = result.data
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  const failed = numFailedTests + brokenFiles.length
  const isSilentFailure = failed === 0 && (!exitedWell || passed === 0)
  return { passed, failed: isSilentFailure ? 1 : failed }
}
