/** The same text with each table between its two marks. @throws {Error} for a mark that is not there */
export function fillTables(text: string, tables: Readonly<Record<string, string>>): string {
  let filled = text
  for (const [name, table] of Object.entries(tables)) {
    const between = new RegExp(`(?<=<!-- ${name} -->\n).*?(?=<!-- /${name} -->)`, 's')
    if (!between.test(filled)) throw new Error(`there is no <!-- ${name} --> … <!-- /${name} -->`)
    filled = filled.replace(between, () => table)
  }
  return filled
}
