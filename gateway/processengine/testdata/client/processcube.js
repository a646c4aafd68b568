// A worker of ProcessCube's own client: node processcube.js URL TOPIC LOCK_MS. What it does with a task says payload.what. A task that waits goes
// on with the next line of standard input.
'use strict';
const readline = require('readline');
const {EngineClient} = require('@5minds/processcube_engine_client');
const {ExternalTaskError} = require('@5minds/processcube_engine_sdk');

const [url, topic, lock] = process.argv.slice(2);
const identity = {token: Buffer.from('worker').toString('base64'), userId: 'worker'};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const told = [];
readline.createInterface({input: process.stdin}).on('line', () => told.shift()?.()).on('close', () => process.exit());

async function handle({what, lines}, task, signal) {
  console.log('begun', what);
  switch (what) {
    case 'succeed':
      return {total: lines.reduce((sum, line) => sum + line.price, 0), user: task.ownerId, single: task.isSingleTry, age: Date.now() - task.createdAt.getTime() >= 0};
    case 'error':
      return new ExternalTaskError('BAD', 'sold out', {left: 0});
    case 'fail':
      return new ExternalTaskError('DOWN', 'no luck', 'a trace');
    case 'throw':
      throw new Error('thrown');
    case 'outlive':
      await sleep(3 * Number(lock));
      return {outlived: !signal.aborted};
    case 'wait':
      await new Promise((resolve) => told.push(resolve));
      await sleep(100); // Node.js notices that the gateway has closed the connections that it keeps
      return {waited: true};
    case 'crash':
      return new Promise(() => {});
  }
  throw new Error(`what is ${what}?`);
}

async function main() {
  const client = new EngineClient(url, identity);
  const worker = await client.externalTasks.subscribeToExternalTaskTopic(topic, handle, {identity, lockDuration: Number(lock), longpollingTimeout: 10000, idleTimeout: 50, maxTasks: 5});
  worker.onWorkerError((type, error) => console.log('error', type, error.code));
  worker.start();
  console.log('ready');
}
main();
