export { checkInstance, type Finding } from './check.ts';
export { apiDescription } from './http/description.ts';
export { type RunningServer, startServer, startWorker } from './instance.ts';
export { type EcrPlace, strangersIn } from './registry/ecr/strangers.ts';
export { readSettings, type Settings } from './settings.ts';
