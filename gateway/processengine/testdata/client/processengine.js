// A worker of process-engine's own client: node processengine.js URL TOPIC. What it does with a task says payload.what. A task that waits goes on
// with the next line of standard input.
'use strict';
const readline = require('readline');
const {HttpClient} = require('@essential-projects/http');
const {ExternalTaskApiClientService, ExternalTaskApiExternalAccessor, ExternalTaskWorker} = require('@process-engine/external_task_api_client');
const {DataModels} = require('@process-engine/consumer_api_contracts');

const {ExternalTaskBpmnError, ExternalTaskServiceError, ExternalTaskSuccessResult} = DataModels.ExternalTask;
const [url, topic] = process.argv.slice(2);
const identity = {token: Buffer.from('worker').toString('base64'), userId: 'worker'};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const told = [];
readline.createInterface({input: process.stdin}).on('line', () => told.shift()?.()).on('close', () => process.exit());

// The client's API, which a worker uses underneath: its own lock is shorter than what it does, and is extended.
const http = new HttpClient();
http.config = {url};
const api = new ExternalTaskApiClientService(new ExternalTaskApiExternalAccessor(http));
async function extending() {
  const [task] = await api.fetchAndLockExternalTasks(identity, 'api', topic, 1, 30000, 1000);
  console.log('busy');
  for (let n = 0; n < 5; n++) {
    await api.extendLock(identity, 'api', task.id, 1000);
    await sleep(500);
  }
  await api.finishExternalTask(identity, 'api', task.id, {extended: true});
  const late = await api.extendLock(identity, 'api', task.id, 1000).catch((error) => error);
  console.log('late', late.code);
}

async function handle(task) {
  const {what, lines, who, count} = task.payload;
  console.log('begun', what);
  switch (what) {
    case 'succeed':
      return new ExternalTaskSuccessResult(task.id, {total: lines.reduce((sum, line) => sum + line.price, 0), user: task.identity.userId, token: task.identity.token, who, count});
    case 'error':
      return new ExternalTaskBpmnError(task.id, 'BAD', 'sold out');
    case 'fail':
      return new ExternalTaskServiceError(task.id, 'no luck', 'a trace');
    case 'throw':
      throw new Error('thrown');
    case 'outlive': // the lock of the worker, which is 30 s
      await sleep(33000);
      return new ExternalTaskSuccessResult(task.id, {outlived: true});
    case 'wait':
      await new Promise((resolve) => told.push(resolve));
      await sleep(100); // Node.js notices that the gateway has closed the connections that it keeps
      return new ExternalTaskSuccessResult(task.id, {waited: true});
    case 'crash':
      return new Promise(() => {});
  }
  throw new Error(`what is ${what}?`);
}

if (process.argv[4] === 'api') {
  extending();
} else {
  new ExternalTaskWorker(url, identity, topic, 5, 10000, handle).start();
}
console.log('ready');
