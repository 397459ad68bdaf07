/** Ids become `ID1`, `ID2`, … in order of appearance and times those of the examples, so that streams compare as text. */
export function normalised(stream: string): string {
  const names = new Map<string, string>()
  return stream
    .replace(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, (id) => {
      const name = names.get(id) ?? `ID${names.size + 1}`
      names.set(id, name)
      return name
    })
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}/g, '2026-04-02T14:30:45.000000')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '2025-03-04 10:11:12')
}
