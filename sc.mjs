import tls from 'node:tls';
const t=performance.now(); tls.createSecureContext({}); const a=performance.now(); tls.createSecureContext({}); const b=performance.now();
console.log('first',(a-t).toFixed(1),'second',(b-a).toFixed(1));
