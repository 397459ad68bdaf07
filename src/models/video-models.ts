import type { ModelHistory } from './model.ts'

const successors = {
  'kling/v1.6/standard': 'kling/v3',
  'kling/v2.1/master': 'kling/v3',
  'kling/v2.5-turbo/pro': 'kling/v3',
  'pixverse/v3.5/turbo': 'official/pixverse/v5',
  'pixverse/v4.5/turbo': 'official/pixverse/v5',
  'pixverse/v5': 'official/pixverse/v5',
  'gemini/veo2': 'gemini/veo3.1',
  'gemini/veo3/fast': 'gemini/veo3',
  'fal-ai/bytedance/seedance/v1/pro': 'fal-ai/bytedance/seedance/v1.5/pro',
  'fal-ai/bytedance/seedance/v1/lite': 'fal-ai/bytedance/seedance/v1/pro/fast',
  'minimax/hailuo-02/standard': 'minimax/hailuo-2.3/standard',
  'wan/v2.2': 'wan/v2.6',
  'vidu/start-end-to-video': 'vidu/q3',
}

/** Of the agent protocol no list is known: it is asked by the same names. Source: UPSTREAM 5.7, 9.3 */
export const videoModels: ModelHistory = {
  offered: {
    agent: [],
    copilot: [
      ...['sora-2', 'sora-2-pro', 'gemini/veo3.1', 'gemini/veo3.1/reference-to-video'],
      ...['gemini/veo3.1/first-last-frame-to-video', 'gemini/veo3', 'kling/v3'],
      ...['kling/v2.6/standard/motion-control', 'kling/o3/image-to-video', 'kling/o3/reference-to-video'],
      ...['fal-ai/bytedance/seedance/v1.5/pro', 'fal-ai/bytedance/seedance/v1/pro/fast'],
      ...[
        'xai/grok-imagine-video',
        'minimax/hailuo-2.3/standard',
        'official/pixverse/v5',
        'wan/v2.6',
        'vidu/q3',
      ],
      ...['runway/gen4_turbo', 'fal-ai/sync-lipsync/v2', 'fal-ai/bytedance-upscaler/upscale/video'],
    ],
    predecessor: [],
  },
  firstSeen: {
    '2025-03-14': [
      ...['kling/v1.6/standard', 'pixverse/v3.5/turbo', 'lumadream/ray-2', 'gemini/veo2', 'hunyuan'],
    ],
    '2025-07-16': [
      ...['gemini/veo3', 'gemini/veo3/fast', 'kling/v2.1/master', 'fal-ai/bytedance/seedance/v1/pro'],
      ...['minimax/hailuo-02/standard', 'pixverse/v4.5/turbo', 'fal-ai/bytedance/seedance/v1/lite'],
    ],
    '2025-10-12': [
      ...['sora-2', 'sora-2-pro', 'kling/v2.5-turbo/pro', 'pixverse/v5', 'wan/v2.2'],
      ...['vidu/start-end-to-video', 'runway/gen4_turbo'],
    ],
    '2026-02-27': [
      ...['gemini/veo3.1', 'gemini/veo3.1/reference-to-video', 'gemini/veo3.1/first-last-frame-to-video'],
      ...['kling/v3', 'kling/v2.6/standard/motion-control', 'kling/o3/image-to-video'],
      ...['kling/o3/reference-to-video', 'fal-ai/bytedance/seedance/v1.5/pro', 'xai/grok-imagine-video'],
      ...['minimax/hailuo-2.3/standard', 'official/pixverse/v5', 'fal-ai/bytedance/seedance/v1/pro/fast'],
      ...['fal-ai/sync-lipsync/v2', 'wan/v2.6', 'vidu/q3', 'fal-ai/bytedance-upscaler/upscale/video'],
    ],
  },
  successors: { copilot: successors, agent: successors },
}
