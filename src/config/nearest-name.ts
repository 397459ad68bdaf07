/** The name that `name` is most likely a slip of: other case, or one edit in five to seven letters, two in more.
 *  Short names are left alone, since the environment is full of them (`HOME` is not `HOST`). */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const upper = name.toUpperCase()
  if (known.includes(upper)) return upper
  const allowed = upper.length < 5 ? 0 : upper.length < 8 ? 1 : 2
  return known
    .map((candidate) => ({ candidate, edits: editDistance(upper, candidate) }))
    .filter(({ edits }) => edits <= allowed)
    .sort((one, other) => one.edits - other.edits)[0]?.candidate
}

/** Insertions, deletions and changes that lead from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1]
    for (const [column, other] of [...to].entries()) {
      const change = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(change, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
