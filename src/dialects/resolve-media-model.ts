import { InvalidRequestError } from '../core/errors.ts'
import type { MediaModel } from '../core/media-request.ts'

/** A picture cannot be asked of a mixture: a name that the catalogue does not know is refused, as the seed does.
 *  @throws {InvalidRequestError} `model_not_found` */
export function resolveMediaModel(
  name: string,
  resolve: (name: string) => MediaModel | undefined,
): MediaModel {
  const model = resolve(name)
  if (model) return model
  throw new InvalidRequestError('model_not_found', {
    message: `There is no such model here: ${JSON.stringify(name)}. GET /v1/models lists those that there are.`,
    param: 'model',
  })
}
