import type { ErrorCode } from '../../../src/core/errors.ts'

/** What each error means and what to do about it, in Chinese. */
export const errorsInChinese: Readonly<Record<ErrorCode, { meaning: string; remedy: string }>> = {
  invalid_json: { meaning: '请求体不是有效的 JSON。', remedy: '请发送有效的 JSON；消息里写明了错在哪里。' },
  json_too_deep: { meaning: '请求体嵌套太深。', remedy: '请减少 JSON 的嵌套层数。' },
  invalid_value: { meaning: '请求里有无效的值。', remedy: '`param` 指出字段，消息说明应该怎样填。' },
  previous_response_not_found: {
    meaning: '没有这个先前的 response，或已过期。',
    remedy: '请重新发送整个对话。只有用 `store` 保存、且用同一个密钥创建的 response 才能接着用。',
  },
  image_url_not_allowed: {
    meaning: '不允许这个图片地址。',
    remedy: '请用公网 http(s) 地址或 data URL；内网可设 `IMAGE_URL_ALLOW_PRIVATE=1`。',
  },
  image_fetch_failed: {
    meaning: '图片取不到。',
    remedy: '看看这个地址不登录能否打开，或改用 data URL 发送图片。',
  },
  invalid_api_key: {
    meaning: '密钥不对。',
    remedy: '请发送 `API_SECRET` 里的一个密钥。它绝不表示 Genspark 账号有问题。',
  },
  ip_blocked: {
    meaning: '这个地址被拒绝。',
    remedy: '你的地址在 `IP_BLACK_LIST` 里；前面有反向代理时请设 `TRUSTED_PROXY_HOPS`。',
  },
  origin_not_allowed: {
    meaning: '不允许这个网页来源。',
    remedy: '把网页的来源加进 `CORS_ORIGINS`，或设置 `API_SECRET`：没有它时只回答那里写明的网页。',
  },
  model_not_allowed: {
    meaning: '这个密钥不能使用该模型。',
    remedy: '换一个模型或密钥；密钥可用的模型由管理员在 `/admin/keys` 里设定。',
  },
  not_found: { meaning: '没有这个路由。', remedy: '检查路径和 `ROUTE_PREFIX`。' },
  model_not_found: { meaning: '没有这个模型。', remedy: '请从 `GET /v1/models` 里选名字。' },
  method_not_allowed: { meaning: '这个路由不支持该方法。', remedy: '多数路由要用 POST。' },
  upgrade_not_supported: { meaning: '本服务不支持 WebSocket。', remedy: '不用管：客户端会改用 HTTP。' },
  request_too_large: { meaning: '请求体太大。', remedy: '少发一些，或调高 `MAX_BODY_MB`。' },
  unsupported_media_type: {
    meaning: '不支持这种请求体格式。',
    remedy: '请用 `Content-Type: application/json`（只有图片和视频可用表单）。',
  },
  rate_limit_exceeded: {
    meaning: '请求太多。',
    remedy:
      '按 `Retry-After` 等待，或调高 `REQUEST_RATE_LIMIT`。前面有反向代理时请设 `TRUSTED_PROXY_HOPS`，否则所有客户端算作一个。',
  },
  all_accounts_cooling: {
    meaning: '所有账号暂时都不可用。',
    remedy: '所有账号都被限流或额度用完。按 `Retry-After` 或消息所说的时间等待；想要更多就增加账号。',
  },
  upstream_challenge: {
    meaning: '遇到 Cloudflare 的验证页面。',
    remedy:
      'Cloudflare 不把发出请求的程序当作浏览器。消息里写明了试过什么：让 `GENSPARK_TRANSPORT` 保持 `auto`，由 Chromium 里的页面发出请求（`RECAPTCHA_MODE` 为 `remote` 或 `off` 时设为 `browser`）。页面也被拒绝时，换一个地址（`PROXY_URL`）或许可行。',
  },
  upstream_reset: {
    meaning: '回答还没完整，Genspark 就关闭了连接。',
    remedy: '请重试；经常出现时检查网络或 `PROXY_URL`。',
  },
  upstream_bad_response: {
    meaning: 'Genspark 发来了本服务看不懂的内容。',
    remedy: '网站拒绝了请求，或换了回答方式，消息里有说明。换个模型试试，或更新本服务。',
  },
  upstream_empty: {
    meaning: 'Genspark 的回答是空的。',
    remedy: '请重试，或换个说法：网站有时用这种方式拒绝回答。',
  },
  pass_through_failed: {
    meaning: '转发到的服务没有正常响应。',
    remedy: '消息里写明了原因：检查 `EMBEDDINGS_BASE_URL`、`EMBEDDINGS_API_KEY`，以及那个服务是否在运行。',
  },
  model_mismatch: {
    meaning: 'Genspark 用了另一个模型作答。',
    remedy:
      '仅在 `SERVED_MODEL_MISMATCH=fail` 时出现：网站换了模型。请重试，或用 `npm run doctor` 检查 reCAPTCHA token 是否正常。',
  },
  upstream_event_too_large: { meaning: 'Genspark 的一个事件超过大小限制。', remedy: '一次少要一些。' },
  overloaded: {
    meaning: '内存中的请求太多。',
    remedy:
      '按 `Retry-After` 等待后重试。经常出现时：给进程更多内存（`--max-old-space-size`），或调高 `BODY_BUDGET_MB`。',
  },
  no_account_available: {
    meaning: '没有可用的 Genspark 账号。',
    remedy:
      '请设 `GS_COOKIE`（见“添加账号”）。如果已经设了：账号登录已失效，请重新复制 cookie。`npm run doctor` 会指出是哪一个。',
  },
  upstream_unavailable: {
    meaning: 'Genspark 服务不可用。',
    remedy: 'Genspark 自己宕机或过载，请稍后再试；`npm run doctor` 会显示它是否应答。',
  },
  token_unavailable: {
    meaning: '无法生成 reCAPTCHA token。',
    remedy: '消息里写明了原因。`npm run doctor` 会试一次；检查 `BROWSER_EXECUTABLE` 和 `PROXY_URL`。',
  },
  queue_full: {
    meaning: '等待空闲账号的请求太多。',
    remedy: '同时少发一些请求，增加账号，或调高 `QUEUE_MAX`。',
  },
  queue_timeout: {
    meaning: '没有及时等到空闲账号。',
    remedy: '增加账号，或调高 `ACCOUNT_MAX_CONCURRENCY` 或 `QUEUE_WAIT_S`。',
  },
  dependency_unavailable: {
    meaning: '本服务依赖的服务不可用。',
    remedy: 'Redis 不可用：请启动它，或设 `REDIS_DOWN_MODE=local`，没有它也继续运行。',
  },
  shutting_down: { meaning: '本服务正在关闭。', remedy: '请重试：服务正在重启。' },
  upstream_first_event_timeout: {
    meaning: 'Genspark 没有及时开始回答。',
    remedy: '请重试；思考时间长的模型可调高 `FIRST_EVENT_TIMEOUT_S`。',
  },
  upstream_idle_timeout: {
    meaning: 'Genspark 在回答中途停了。',
    remedy: '请重试，或调高 `IDLE_TIMEOUT_S`。',
  },
  upstream_total_timeout: {
    meaning: 'Genspark 没有及时答完。',
    remedy: '一次少要一些，或调高 `TOTAL_TIMEOUT_S`（图片和视频是 `MEDIA_TIMEOUT_S`）。',
  },
  internal_error: {
    meaning: '本服务自己的错误。',
    remedy: '这是程序缺陷。请用响应里的 `x-request-id` 在日志里查找，并报告给我们。',
  },
}
