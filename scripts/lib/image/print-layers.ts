// print-layers.ts FOLDER: the layers of an image that was unpacked from a docker archive there, with the size and the step of each.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const [folder = '.'] = process.argv.slice(2)
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'))

const manifestSchema = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) })).min(1)
const configSchema = z.object({
  history: z.array(z.object({ created_by: z.string().default(''), empty_layer: z.boolean().default(false) })),
})

const [manifest] = manifestSchema.parse(read('manifest.json'))
if (!manifest) throw new Error('the archive holds no image')
const steps = configSchema.parse(read(manifest.Config)).history.filter((step) => !step.empty_layer)

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`.padStart(10)
let total = 0
for (const [index, layer] of manifest.Layers.entries()) {
  const { size } = statSync(join(folder, layer))
  total += size
  const step = steps[index]?.created_by.replace(/\s+/g, ' ').slice(0, 90) ?? ''
  process.stdout.write(`${megabytes(size)}  ${step}\n`)
}
process.stdout.write(`${megabytes(total)}  in all, unpacked\n`)
