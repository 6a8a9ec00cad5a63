import type { Target } from './target.js';
import { diskTargets } from './targets/disk.js';
import { eventTargets } from './targets/events.js';
import { gitTargets } from './targets/git.js';
import { messageTargets } from './targets/messages.js';
import { nameTargets } from './targets/names.js';
import { negentropyTargets } from './targets/negentropy.js';
import { settingTargets } from './targets/settings.js';

/** Every parser that reads what strangers, other servers, the disk or the operator give. */
export const targets: readonly Target[] = [
  ...messageTargets,
  ...eventTargets,
  ...nameTargets,
  ...negentropyTargets,
  ...gitTargets,
  ...diskTargets,
  ...settingTargets,
];
