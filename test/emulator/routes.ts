import { accountRoutes } from './account-routes.ts'
import { resultFileRoutes } from './media/result-files.ts'
import { taskStatusRoutes } from './media/task-status-routes.ts'
import { projectRoutes } from './project-routes.ts'
import { quotaRoutes } from './quota-routes.ts'
import type { Route } from './route.ts'
import { uploadRoutes } from './uploads/upload-routes.ts'
import { profileRoutes } from './vendor/profile-route.ts'
import { vendorRoutes } from './vendor/vendor-routes.ts'

/** The routes beside the asks, by method and path; a path may end in `*`. */
const routes: Readonly<Record<string, Route>> = {
  ...accountRoutes,
  ...taskStatusRoutes,
  ...resultFileRoutes,
  ...uploadRoutes,
  ...projectRoutes,
  ...quotaRoutes,
  ...vendorRoutes,
  ...profileRoutes,
}

export interface FoundRoute {
  readonly name: string
  readonly route: Route
}

export function findRoute(method: string, path: string): FoundRoute | undefined {
  const names = [`${method} ${path}`, `${method} ${path.slice(0, path.lastIndexOf('/'))}/*`]
  for (const name of names) {
    const route = routes[name]
    if (route) return { name, route }
  }
  return undefined
}
