// Writes into the documents what the code knows: settings, errors, models. Usage: npm run docs

import { readFileSync, writeFileSync } from 'node:fs'
import { documents, fillTables } from './lib/docs/documents.ts'

const root = new URL('../', import.meta.url)

for (const { path, tables } of documents()) {
  const file = new URL(path, root)
  writeFileSync(file, fillTables(readFileSync(file, 'utf8'), tables))
}
