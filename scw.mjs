import { Worker, isMainThread } from 'node:worker_threads'; import tls from 'node:tls';
const f=()=>{const t=performance.now(); tls.createSecureContext({}); return (performance.now()-t).toFixed(1)};
if (isMainThread) { console.log('main', f()); new Worker(new URL(import.meta.url)); } else console.log('worker',f());
